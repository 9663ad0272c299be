-- What the relay inside has moved for each person, in bytes and both ways.

ALTER TABLE call_participants ADD COLUMN relayed_bytes INTEGER NOT NULL DEFAULT 0;
