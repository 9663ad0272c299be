-- What Prisma's migration of docs/operate/schema.prisma makes in PostgreSQL, written by hand after its documented
-- mapping: enums as types, String as TEXT, DateTime as TIMESTAMP(3), Json as JSONB, BigInt as BIGINT, uuid() and now()
-- as they are (the first is the client's, the second the database's), TABLE_COLUMN_idx, _key and _fkey as names,
-- RESTRICT for a required relation that says nothing, ON UPDATE CASCADE always.
CREATE TYPE "CallType" AS ENUM ('AUDIO', 'VIDEO');
CREATE TYPE "CallStatus" AS ENUM ('RINGING', 'ACTIVE', 'ENDED', 'MISSED', 'DECLINED');
CREATE TYPE "ConnectionQuality" AS ENUM ('EXCELLENT', 'GOOD', 'FAIR', 'POOR');

CREATE TABLE "users" (
    "id" TEXT NOT NULL,
    "name" TEXT NOT NULL DEFAULT '',
    "avatar_url" TEXT,
    "created_at" TIMESTAMP(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,

    CONSTRAINT "users_pkey" PRIMARY KEY ("id")
);
CREATE TABLE "channels" (
    "id" TEXT NOT NULL,
    "name" TEXT NOT NULL DEFAULT '',
    "created_at" TIMESTAMP(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "updated_at" TIMESTAMP(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,

    CONSTRAINT "channels_pkey" PRIMARY KEY ("id")
);
CREATE TABLE "calls" (
    "id" TEXT NOT NULL,
    "channel_id" TEXT NOT NULL,
    "call_type" "CallType" NOT NULL,
    "status" "CallStatus" NOT NULL DEFAULT 'RINGING',
    "started_by" TEXT NOT NULL,
    "started_at" TIMESTAMP(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "ended_at" TIMESTAMP(3),
    "duration" INTEGER,
    "metadata" JSONB NOT NULL DEFAULT '{}',

    CONSTRAINT "calls_pkey" PRIMARY KEY ("id")
);
CREATE TABLE "call_participants" (
    "id" TEXT NOT NULL,
    "call_id" TEXT NOT NULL,
    "user_id" TEXT NOT NULL,
    "joined_at" TIMESTAMP(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "left_at" TIMESTAMP(3),
    "is_muted" BOOLEAN NOT NULL DEFAULT false,
    "is_video_enabled" BOOLEAN NOT NULL DEFAULT true,
    "connection_quality" "ConnectionQuality",

    CONSTRAINT "call_participants_pkey" PRIMARY KEY ("id")
);
CREATE TABLE "call_recordings" (
    "id" TEXT NOT NULL,
    "call_id" TEXT NOT NULL,
    "recording_url" TEXT NOT NULL,
    "duration" INTEGER,
    "file_size" BIGINT,
    "started_at" TIMESTAMP(3) NOT NULL,
    "ended_at" TIMESTAMP(3),
    "created_at" TIMESTAMP(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,

    CONSTRAINT "call_recordings_pkey" PRIMARY KEY ("id")
);

CREATE INDEX "calls_channel_id_idx" ON "calls"("channel_id");
CREATE INDEX "calls_status_idx" ON "calls"("status");
CREATE INDEX "calls_started_at_idx" ON "calls"("started_at");
CREATE INDEX "call_participants_call_id_idx" ON "call_participants"("call_id");
CREATE INDEX "call_participants_user_id_idx" ON "call_participants"("user_id");
CREATE UNIQUE INDEX "call_participants_call_id_user_id_key" ON "call_participants"("call_id", "user_id");
CREATE INDEX "call_recordings_call_id_idx" ON "call_recordings"("call_id");

ALTER TABLE "calls" ADD CONSTRAINT "calls_channel_id_fkey"
    FOREIGN KEY ("channel_id") REFERENCES "channels"("id") ON DELETE CASCADE ON UPDATE CASCADE;
ALTER TABLE "calls" ADD CONSTRAINT "calls_started_by_fkey"
    FOREIGN KEY ("started_by") REFERENCES "users"("id") ON DELETE RESTRICT ON UPDATE CASCADE;
ALTER TABLE "call_participants" ADD CONSTRAINT "call_participants_call_id_fkey"
    FOREIGN KEY ("call_id") REFERENCES "calls"("id") ON DELETE CASCADE ON UPDATE CASCADE;
ALTER TABLE "call_participants" ADD CONSTRAINT "call_participants_user_id_fkey"
    FOREIGN KEY ("user_id") REFERENCES "users"("id") ON DELETE RESTRICT ON UPDATE CASCADE;
ALTER TABLE "call_recordings" ADD CONSTRAINT "call_recordings_call_id_fkey"
    FOREIGN KEY ("call_id") REFERENCES "calls"("id") ON DELETE CASCADE ON UPDATE CASCADE;
