-- Recordings that are complete (a file that is not has no row), and what a call knows of being recorded.
CREATE TABLE call_recordings (
  id TEXT PRIMARY KEY,             -- a UUIDv7: the order of completion's beginning
  call_id TEXT NOT NULL,
  user_id TEXT NOT NULL,           -- who recorded; '' = the host's backend
  recording_url TEXT NOT NULL,     -- "/api/recordings/ID"
  media_type TEXT NOT NULL,
  file_name TEXT NOT NULL,         -- a label from the client; never a path
  file_size INTEGER NOT NULL,      -- bytes that are served
  duration_ms INTEGER NOT NULL,    -- 0 = not known
  sha256 TEXT NOT NULL,            -- of what is served, in hexadecimal digits
  upload_sha256 TEXT NOT NULL,     -- of what was uploaded
  is_cut INTEGER NOT NULL,         -- the upload was never finished: up to its last stored byte
  started_at INTEGER NOT NULL,
  ended_at INTEGER NOT NULL,
  created_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX call_recordings_by_call ON call_recordings (call_id, id);
CREATE INDEX call_recordings_by_age ON call_recordings (created_at, id);

ALTER TABLE calls ADD COLUMN recording_policy INTEGER NOT NULL DEFAULT 0;
ALTER TABLE calls ADD COLUMN recording_state INTEGER NOT NULL DEFAULT 0;
ALTER TABLE calls ADD COLUMN recording_by TEXT NOT NULL DEFAULT '';     -- the user who started it
ALTER TABLE calls ADD COLUMN recording_leg TEXT NOT NULL DEFAULT '';    -- with which device; '' over REST
ALTER TABLE calls ADD COLUMN recording_at INTEGER NOT NULL DEFAULT 0;   -- since when it is in this state
ALTER TABLE call_participants ADD COLUMN agreed INTEGER NOT NULL DEFAULT 0;
