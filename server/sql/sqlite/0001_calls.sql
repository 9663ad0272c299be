-- Calls, the people in them, their devices, and everything that happened. Times are wall time in milliseconds; kinds
-- and states are the numbers of server/src/store/model.def, whose order therefore never changes.

CREATE TABLE users (
  id TEXT PRIMARY KEY,
  name TEXT NOT NULL,
  avatar_url TEXT NOT NULL,
  created_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE channels (
  id TEXT PRIMARY KEY,
  name TEXT NOT NULL,
  created_at INTEGER NOT NULL,
  updated_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE channel_members (
  channel_id TEXT NOT NULL,
  user_id TEXT NOT NULL,
  PRIMARY KEY (channel_id, user_id)
) STRICT, WITHOUT ROWID;
CREATE INDEX channel_members_by_user ON channel_members (user_id);

CREATE TABLE calls (
  id TEXT PRIMARY KEY,
  seq INTEGER NOT NULL,            -- of its newest event: every change compares and sets it
  channel_id TEXT NOT NULL,
  call_type INTEGER NOT NULL,
  mode INTEGER NOT NULL,
  status INTEGER NOT NULL,         -- 0 ringing and 1 active are live
  topology INTEGER NOT NULL,
  started_by TEXT NOT NULL,
  started_at INTEGER NOT NULL,
  ring_expires_at INTEGER NOT NULL, -- 0 here and below: none, or not yet
  answered_at INTEGER NOT NULL,
  ended_at INTEGER NOT NULL,
  end_reason INTEGER NOT NULL,
  ended_by TEXT NOT NULL,
  last_seen_at INTEGER NOT NULL,
  body_hash INTEGER NOT NULL,      -- of the request that created it
  pair TEXT,                       -- of a direct call: its two users, the lesser first
  metadata TEXT NOT NULL
) STRICT;
CREATE INDEX calls_by_channel ON calls (channel_id, started_at, id);
CREATE INDEX calls_by_start ON calls (started_at, id);
-- One live group call in a channel, one live direct call between two people, and a short way to all live calls.
CREATE UNIQUE INDEX calls_live_group ON calls (channel_id) WHERE mode = 1 AND status <= 1;
CREATE UNIQUE INDEX calls_live_direct ON calls (pair) WHERE mode = 0 AND status <= 1;

-- started_at and call_type repeat the call's, which never change, and outcome says how it went for this person: so that
-- one index holds a user's whole history in its order.
CREATE TABLE call_participants (
  call_id TEXT NOT NULL,
  user_id TEXT NOT NULL,
  position INTEGER NOT NULL,
  state INTEGER NOT NULL,
  role INTEGER NOT NULL,
  outcome INTEGER NOT NULL,
  started_at INTEGER NOT NULL,
  call_type INTEGER NOT NULL,
  invited_at INTEGER NOT NULL,
  ring_expires_at INTEGER NOT NULL,
  joined_at INTEGER NOT NULL,
  left_at INTEGER NOT NULL,
  talk_ms INTEGER NOT NULL,
  talk_since INTEGER NOT NULL,
  is_muted INTEGER NOT NULL,
  is_video_enabled INTEGER NOT NULL,
  is_screen_sharing INTEGER NOT NULL,
  quality INTEGER NOT NULL,
  PRIMARY KEY (call_id, user_id)
) STRICT, WITHOUT ROWID;
CREATE INDEX call_participants_by_user
  ON call_participants (user_id, started_at, call_id, role, outcome, call_type);

CREATE TABLE call_legs (
  id TEXT PRIMARY KEY,
  call_id TEXT NOT NULL,
  user_id TEXT NOT NULL,
  session_id TEXT NOT NULL,        -- '' while no device has claimed it
  state INTEGER NOT NULL,
  joined_at INTEGER NOT NULL,
  left_at INTEGER NOT NULL,
  media_seen INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX call_legs_open ON call_legs (call_id) WHERE left_at = 0;

-- The timeline, the resync after a seq and the outbox are all reads of this table; id is the order of the commits.
CREATE TABLE call_events (
  id INTEGER PRIMARY KEY,
  call_id TEXT NOT NULL,
  seq INTEGER NOT NULL,
  at INTEGER NOT NULL,
  type TEXT NOT NULL,
  audience INTEGER NOT NULL,
  user_id TEXT NOT NULL,
  leg_id TEXT NOT NULL,
  except_session TEXT NOT NULL,
  actor_id TEXT NOT NULL,
  is_webhook INTEGER NOT NULL,
  payload TEXT NOT NULL,
  UNIQUE (call_id, seq)
) STRICT;

-- Commands that were carried out: whoever is not told how a commit went asks here. id is a UUIDv7, so its order is that
-- of time.
CREATE TABLE commands (
  id TEXT PRIMARY KEY,
  owner TEXT NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE tombstones (
  user_id TEXT NOT NULL,
  call_id TEXT NOT NULL,
  expires_at INTEGER NOT NULL,
  PRIMARY KEY (user_id, call_id)
) STRICT, WITHOUT ROWID;
CREATE INDEX tombstones_by_expiry ON tombstones (expires_at);

-- Answers to requests that carried an Idempotency-Key.
CREATE TABLE replies (
  id INTEGER PRIMARY KEY,
  user_id TEXT NOT NULL,
  key TEXT NOT NULL,
  request_hash INTEGER NOT NULL,
  status INTEGER NOT NULL,
  body TEXT NOT NULL,
  expires_at INTEGER NOT NULL,
  UNIQUE (user_id, key)
) STRICT;
CREATE INDEX replies_by_expiry ON replies (expires_at);
