-- The delivery of events to the host: how far it has come, and what was given up. The outbox itself is call_events.
CREATE TABLE outbox_delivery (
  one INTEGER PRIMARY KEY CHECK (one = 1),
  after_id INTEGER NOT NULL
) STRICT;

CREATE TABLE outbox_failures (
  event_id INTEGER PRIMARY KEY,
  at INTEGER NOT NULL,
  attempts INTEGER NOT NULL,
  status INTEGER NOT NULL,         -- of the last answer; 0: none came
  error TEXT NOT NULL
) STRICT;
