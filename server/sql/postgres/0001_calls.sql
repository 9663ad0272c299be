-- bellwire beside a host application: the three tables that the host reads with its own Prisma client stand in `public`,
-- made as Prisma's migration of docs/operate/schema.prisma makes them; everything else stands in the schema `bellwire`.
-- There, times are wall time in milliseconds, kinds and states the numbers of server/src/store/model.def, as in SQLite.
-- What the host has made already is left as it is (and was looked at before: store/pg_shape.c).

CREATE SCHEMA IF NOT EXISTS bellwire;

-- One row: what this database knows of itself. Whoever starts to serve it raises the epoch; every transaction compares.
CREATE TABLE bellwire.self (
  one BOOLEAN PRIMARY KEY DEFAULT true CHECK (one),
  schema_version INTEGER NOT NULL,
  epoch BIGINT NOT NULL,
  owns_people BOOLEAN NOT NULL    -- users and channels were made here
);

-- --- public: the host's view of calls ---

DO $$
DECLARE
  owns BOOLEAN := to_regclass('public.users') IS NULL;
BEGIN
  IF owns THEN
    CREATE TABLE public."users" (
      "id" TEXT NOT NULL,
      "name" TEXT NOT NULL DEFAULT '',
      "avatar_url" TEXT,
      "created_at" TIMESTAMP(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
      CONSTRAINT "users_pkey" PRIMARY KEY ("id")
    );
  END IF;
  IF to_regclass('public.channels') IS NULL THEN
    CREATE TABLE public."channels" (
      "id" TEXT NOT NULL,
      "name" TEXT NOT NULL DEFAULT '',
      "created_at" TIMESTAMP(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
      "updated_at" TIMESTAMP(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
      CONSTRAINT "channels_pkey" PRIMARY KEY ("id")
    );
  END IF;
  IF to_regtype('public."CallType"') IS NULL THEN
    CREATE TYPE public."CallType" AS ENUM ('AUDIO', 'VIDEO');
  END IF;
  IF to_regtype('public."CallStatus"') IS NULL THEN
    CREATE TYPE public."CallStatus" AS ENUM ('RINGING', 'ACTIVE', 'ENDED', 'MISSED', 'DECLINED');
  END IF;
  IF to_regtype('public."ConnectionQuality"') IS NULL THEN
    CREATE TYPE public."ConnectionQuality" AS ENUM ('EXCELLENT', 'GOOD', 'FAIR', 'POOR');
  END IF;
  IF to_regclass('public.calls') IS NULL THEN
    CREATE TABLE public."calls" (
      "id" TEXT NOT NULL,
      "channel_id" TEXT NOT NULL,
      "call_type" public."CallType" NOT NULL,
      "status" public."CallStatus" NOT NULL DEFAULT 'RINGING',
      "started_by" TEXT NOT NULL,
      "started_at" TIMESTAMP(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
      "ended_at" TIMESTAMP(3),
      "duration" INTEGER,
      "metadata" JSONB NOT NULL DEFAULT '{}',
      CONSTRAINT "calls_pkey" PRIMARY KEY ("id")
    );
    CREATE INDEX "calls_channel_id_idx" ON public."calls"("channel_id");
    CREATE INDEX "calls_status_idx" ON public."calls"("status");
    CREATE INDEX "calls_started_at_idx" ON public."calls"("started_at");
    ALTER TABLE public."calls" ADD CONSTRAINT "calls_channel_id_fkey" FOREIGN KEY ("channel_id")
      REFERENCES public."channels"("id") ON DELETE CASCADE ON UPDATE CASCADE;
    ALTER TABLE public."calls" ADD CONSTRAINT "calls_started_by_fkey" FOREIGN KEY ("started_by")
      REFERENCES public."users"("id") ON DELETE RESTRICT ON UPDATE CASCADE;
  END IF;
  IF to_regclass('public.call_participants') IS NULL THEN
    CREATE TABLE public."call_participants" (
      "id" TEXT NOT NULL,
      "call_id" TEXT NOT NULL,
      "user_id" TEXT NOT NULL,
      "joined_at" TIMESTAMP(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
      "left_at" TIMESTAMP(3),
      "is_muted" BOOLEAN NOT NULL DEFAULT false,
      "is_video_enabled" BOOLEAN NOT NULL DEFAULT true,
      "connection_quality" public."ConnectionQuality",
      CONSTRAINT "call_participants_pkey" PRIMARY KEY ("id")
    );
    CREATE INDEX "call_participants_call_id_idx" ON public."call_participants"("call_id");
    CREATE INDEX "call_participants_user_id_idx" ON public."call_participants"("user_id");
    CREATE UNIQUE INDEX "call_participants_call_id_user_id_key" ON public."call_participants"("call_id", "user_id");
    ALTER TABLE public."call_participants" ADD CONSTRAINT "call_participants_call_id_fkey" FOREIGN KEY ("call_id")
      REFERENCES public."calls"("id") ON DELETE CASCADE ON UPDATE CASCADE;
    ALTER TABLE public."call_participants" ADD CONSTRAINT "call_participants_user_id_fkey" FOREIGN KEY ("user_id")
      REFERENCES public."users"("id") ON DELETE RESTRICT ON UPDATE CASCADE;
  END IF;
  IF to_regclass('public.call_recordings') IS NULL THEN
    CREATE TABLE public."call_recordings" (
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
    CREATE INDEX "call_recordings_call_id_idx" ON public."call_recordings"("call_id");
    ALTER TABLE public."call_recordings" ADD CONSTRAINT "call_recordings_call_id_fkey" FOREIGN KEY ("call_id")
      REFERENCES public."calls"("id") ON DELETE CASCADE ON UPDATE CASCADE;
  END IF;
  INSERT INTO bellwire.self (schema_version, epoch, owns_people) VALUES (0, 0, owns);
END $$;

-- --- bellwire: all the rest ---

CREATE TABLE bellwire.calls (
  id TEXT PRIMARY KEY,
  seq BIGINT NOT NULL,             -- of its newest event: every change compares and sets it
  channel_id TEXT NOT NULL,
  call_type SMALLINT NOT NULL,
  mode SMALLINT NOT NULL,
  status SMALLINT NOT NULL,        -- 0 ringing and 1 active are live
  topology SMALLINT NOT NULL,
  started_by TEXT NOT NULL,
  started_at BIGINT NOT NULL,
  ring_expires_at BIGINT NOT NULL, -- 0 here and below: none, or not yet
  answered_at BIGINT NOT NULL,
  ended_at BIGINT NOT NULL,
  end_reason SMALLINT NOT NULL,
  ended_by TEXT NOT NULL,
  last_seen_at BIGINT NOT NULL,
  body_hash BIGINT NOT NULL,       -- of the request that created it
  pair TEXT,                       -- of a direct call: its two users, the lesser first
  metadata TEXT NOT NULL,          -- as it was given; public.calls has it as JSONB
  recording_policy SMALLINT NOT NULL DEFAULT 0,
  recording_state SMALLINT NOT NULL DEFAULT 0,
  recording_by TEXT NOT NULL DEFAULT '',   -- the user who started it
  recording_leg TEXT NOT NULL DEFAULT '',  -- with which device; '' over REST
  recording_at BIGINT NOT NULL DEFAULT 0   -- since when it is in this state
);
CREATE INDEX calls_by_channel ON bellwire.calls (channel_id, started_at, id);
CREATE INDEX calls_by_start ON bellwire.calls (started_at, id);
-- One live group call in a channel, one live direct call between two people, and a short way to all live calls.
CREATE UNIQUE INDEX calls_live_group ON bellwire.calls (channel_id) WHERE mode = 1 AND status <= 1;
CREATE UNIQUE INDEX calls_live_direct ON bellwire.calls (pair) WHERE mode = 0 AND status <= 1;

-- started_at and call_type repeat the call's, which never change, and outcome says how it went for this person: so that
-- one index holds a user's whole history in its order.
CREATE TABLE bellwire.call_participants (
  call_id TEXT NOT NULL,
  user_id TEXT NOT NULL,
  position SMALLINT NOT NULL,
  state SMALLINT NOT NULL,
  role SMALLINT NOT NULL,
  outcome SMALLINT NOT NULL,
  started_at BIGINT NOT NULL,
  call_type SMALLINT NOT NULL,
  invited_at BIGINT NOT NULL,
  ring_expires_at BIGINT NOT NULL,
  joined_at BIGINT NOT NULL,
  left_at BIGINT NOT NULL,
  talk_ms BIGINT NOT NULL,
  talk_since BIGINT NOT NULL,
  is_muted SMALLINT NOT NULL,
  is_video_enabled SMALLINT NOT NULL,
  is_screen_sharing SMALLINT NOT NULL,
  quality SMALLINT NOT NULL,
  agreed SMALLINT NOT NULL DEFAULT 0,
  relayed_bytes BIGINT NOT NULL DEFAULT 0, -- by the relay inside, both ways
  PRIMARY KEY (call_id, user_id)
);
CREATE INDEX call_participants_by_user ON bellwire.call_participants (user_id, started_at, call_id);

CREATE TABLE bellwire.call_legs (
  id TEXT PRIMARY KEY,
  call_id TEXT NOT NULL,
  user_id TEXT NOT NULL,
  session_id TEXT NOT NULL,        -- '' while no device has claimed it
  state SMALLINT NOT NULL,
  joined_at BIGINT NOT NULL,
  left_at BIGINT NOT NULL,
  media_seen SMALLINT NOT NULL
);
CREATE INDEX call_legs_open ON bellwire.call_legs (call_id) WHERE left_at = 0;

-- The timeline, the resync after a seq and the outbox are all reads of this table. id is given by the process that
-- serves this database; a lesser one may be committed later, so readers of the outbox stop below what is under way.
CREATE TABLE bellwire.call_events (
  id BIGINT PRIMARY KEY,
  call_id TEXT NOT NULL,
  seq BIGINT NOT NULL,
  at BIGINT NOT NULL,
  type TEXT NOT NULL,
  audience SMALLINT NOT NULL,
  user_id TEXT NOT NULL,
  leg_id TEXT NOT NULL,
  except_session TEXT NOT NULL,
  actor_id TEXT NOT NULL,
  is_webhook SMALLINT NOT NULL,
  payload TEXT NOT NULL,
  UNIQUE (call_id, seq)
);

CREATE INDEX call_events_for_host ON bellwire.call_events (id) WHERE is_webhook <> 0;

-- The delivery of events to the host: how far it has come, and what was given up.
CREATE TABLE bellwire.outbox_delivery (
  one INTEGER PRIMARY KEY CHECK (one = 1),
  after_id BIGINT NOT NULL
);
CREATE TABLE bellwire.outbox_failures (
  event_id BIGINT PRIMARY KEY,
  at BIGINT NOT NULL,
  attempts INTEGER NOT NULL,
  status INTEGER NOT NULL,         -- of the last answer; 0: none came
  error TEXT NOT NULL
);

-- Commands that were carried out: whoever is not told how a commit went asks here. id is a UUIDv7, so its order is that
-- of time.
CREATE TABLE bellwire.commands (
  id TEXT COLLATE "C" PRIMARY KEY,
  owner TEXT NOT NULL
);

CREATE TABLE bellwire.tombstones (
  user_id TEXT NOT NULL,
  call_id TEXT NOT NULL,
  expires_at BIGINT NOT NULL,
  PRIMARY KEY (user_id, call_id)
);
CREATE INDEX tombstones_by_expiry ON bellwire.tombstones (expires_at);

-- Answers to requests that carried an Idempotency-Key.
CREATE TABLE bellwire.replies (
  id BIGINT GENERATED BY DEFAULT AS IDENTITY PRIMARY KEY,
  user_id TEXT NOT NULL,
  key TEXT NOT NULL,
  request_hash BIGINT NOT NULL,
  status SMALLINT NOT NULL,
  body TEXT NOT NULL,
  expires_at BIGINT NOT NULL,
  UNIQUE (user_id, key)
);
CREATE INDEX replies_by_expiry ON bellwire.replies (expires_at);

CREATE TABLE bellwire.channel_members (
  channel_id TEXT NOT NULL,
  user_id TEXT NOT NULL,
  PRIMARY KEY (channel_id, user_id)
);
CREATE INDEX channel_members_by_user ON bellwire.channel_members (user_id);

-- Rows of public.users and public.channels that are there for past calls alone: they were deleted, or never put.
CREATE TABLE bellwire.gone_users (id TEXT PRIMARY KEY);
CREATE TABLE bellwire.gone_channels (id TEXT PRIMARY KEY);

-- Recordings that are complete (a file that is not has no row): what public.call_recordings has no column for.
CREATE TABLE bellwire.call_recordings (
  id TEXT COLLATE "C" PRIMARY KEY, -- a UUIDv7: the order of completion's beginning
  call_id TEXT NOT NULL,
  user_id TEXT NOT NULL,           -- who recorded; '' = the host's backend
  recording_url TEXT NOT NULL,     -- "/api/recordings/ID"
  media_type TEXT NOT NULL,
  file_name TEXT NOT NULL,         -- a label from the client; never a path
  file_size BIGINT NOT NULL,       -- bytes that are served
  duration_ms BIGINT NOT NULL,     -- 0 = not known
  sha256 TEXT NOT NULL,            -- of what is served, in hexadecimal digits
  upload_sha256 TEXT NOT NULL,     -- of what was uploaded
  is_cut SMALLINT NOT NULL,        -- the upload was never finished: up to its last stored byte
  started_at BIGINT NOT NULL,
  ended_at BIGINT NOT NULL,
  created_at BIGINT NOT NULL
);
CREATE INDEX call_recordings_by_call ON bellwire.call_recordings (call_id, id);
CREATE INDEX call_recordings_by_age ON bellwire.call_recordings (created_at, id);

-- The flight recorder: what devices measured in a call, and what they told of themselves. All of it may be forgotten.
CREATE TABLE bellwire.quality_legs (
  id BIGINT GENERATED BY DEFAULT AS IDENTITY PRIMARY KEY,
  call_id TEXT NOT NULL,
  leg_id TEXT NOT NULL UNIQUE,
  user_id TEXT NOT NULL,
  started_at BIGINT NOT NULL
);
CREATE INDEX quality_legs_by_call ON bellwire.quality_legs (call_id);
CREATE INDEX quality_legs_by_start ON bellwire.quality_legs (started_at);

-- Samples of a leg over some minutes, as server/src/codec/quality.h packs them.
CREATE TABLE bellwire.quality_blocks (
  leg_id TEXT NOT NULL,
  start BIGINT NOT NULL,
  data BYTEA NOT NULL,
  PRIMARY KEY (leg_id, start)
);

-- What happened without a seq: mute, states of connections, devices, steps of quality.
CREATE TABLE bellwire.call_notes (
  id BIGINT GENERATED BY DEFAULT AS IDENTITY PRIMARY KEY,
  leg_id TEXT NOT NULL,
  at BIGINT NOT NULL,
  type TEXT NOT NULL,
  data TEXT NOT NULL
);
CREATE INDEX call_notes_by_leg ON bellwire.call_notes (leg_id, at);

-- How many samples of a call had which level: n1 excellent … n4 poor, n0 unknown.
CREATE TABLE bellwire.quality_calls (
  call_id TEXT PRIMARY KEY,
  started_at BIGINT NOT NULL,
  n0 BIGINT NOT NULL,
  n1 BIGINT NOT NULL,
  n2 BIGINT NOT NULL,
  n3 BIGINT NOT NULL,
  n4 BIGINT NOT NULL
);
CREATE INDEX quality_calls_by_start ON bellwire.quality_calls (started_at);

-- --- words of the transactions ---

-- A time of ours as Prisma keeps it; 0 is none.
CREATE FUNCTION bellwire.at(ms BIGINT) RETURNS TIMESTAMP(3) LANGUAGE SQL IMMUTABLE AS
  $$ SELECT CASE WHEN ms <> 0 THEN TIMESTAMP 'epoch' + ms * INTERVAL '1 millisecond' END $$;

-- What every transaction does first: it belongs to the process that serves this database (whoever takes over waits for
-- the shared lock, and raises the epoch under it), and it is alone with its owner.
CREATE FUNCTION bellwire.enter(owner TEXT, known_epoch BIGINT) RETURNS VOID LANGUAGE plpgsql AS $$
BEGIN
  PERFORM pg_advisory_xact_lock_shared(1650814060, 2);
  PERFORM pg_advisory_xact_lock(hashtextextended(owner, 0));
  IF NOT EXISTS (SELECT 1 FROM bellwire.self WHERE epoch = known_epoch) THEN
    RAISE EXCEPTION 'another bellwire serves this database now' USING ERRCODE = 'BWOUT';
  END IF;
END $$;

-- Ends the transaction of a change that was decided on a seq which the call no longer has.
CREATE FUNCTION bellwire.expect(n BIGINT) RETURNS VOID LANGUAGE plpgsql AS $$
BEGIN
  IF n = 0 THEN
    RAISE EXCEPTION 'the call has moved on' USING ERRCODE = 'BWSEQ';
  END IF;
END $$;
