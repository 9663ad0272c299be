-- The flight recorder: what devices measured in a call, and what they told of themselves. All of it may be forgotten.

CREATE TABLE quality_legs (
  id INTEGER PRIMARY KEY,
  call_id TEXT NOT NULL,
  leg_id TEXT NOT NULL UNIQUE,
  user_id TEXT NOT NULL,
  started_at INTEGER NOT NULL
) STRICT;
CREATE INDEX quality_legs_by_call ON quality_legs (call_id);
CREATE INDEX quality_legs_by_start ON quality_legs (started_at);

-- Samples of a leg over some minutes, as server/src/codec/quality.h packs them.
CREATE TABLE quality_blocks (
  leg INTEGER NOT NULL,
  start INTEGER NOT NULL,
  data BLOB NOT NULL,
  UNIQUE (leg, start)
) STRICT;

-- What happened without a seq: mute, states of connections, devices, steps of quality.
CREATE TABLE call_notes (
  id INTEGER PRIMARY KEY,
  leg INTEGER NOT NULL,
  at INTEGER NOT NULL,
  type TEXT NOT NULL,
  data TEXT NOT NULL
) STRICT;
CREATE INDEX call_notes_by_leg ON call_notes (leg, at);

-- How many samples of a call had which level: n1 excellent … n4 poor, n0 unknown.
CREATE TABLE quality_calls (
  call_id TEXT PRIMARY KEY,
  started_at INTEGER NOT NULL,
  n0 INTEGER NOT NULL,
  n1 INTEGER NOT NULL,
  n2 INTEGER NOT NULL,
  n3 INTEGER NOT NULL,
  n4 INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX quality_calls_by_start ON quality_calls (started_at);
