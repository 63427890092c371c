CREATE TABLE migrations (
  version INTEGER PRIMARY KEY,
  program TEXT NOT NULL,
  began_at TEXT NOT NULL,
  ended_at TEXT
) STRICT;
CREATE TABLE operations (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  run TEXT NOT NULL,
  address TEXT NOT NULL,
  verb TEXT NOT NULL,
  driver TEXT NOT NULL,
  digest TEXT,
  began_at TEXT NOT NULL,
  ended_at TEXT,
  outcome TEXT,
  object_id TEXT,
  error_code TEXT
) STRICT;
CREATE INDEX operations_open ON operations (ended_at) WHERE ended_at IS NULL;
CREATE TABLE applied (
  address TEXT PRIMARY KEY,
  digest TEXT NOT NULL,
  digest_version INTEGER NOT NULL,
  value TEXT NOT NULL,
  object_id TEXT,
  at TEXT NOT NULL
) STRICT;
INSERT INTO migrations VALUES (1, '0.1.0', '2026-11-21T12:00:00.000Z', '2026-11-21T12:00:00.000Z');
INSERT INTO operations (run, address, verb, driver, digest, began_at, ended_at, outcome) VALUES
  ('r', 'bottle/dev', 'create', 'docker', 'd', '2026-11-21T12:00:00.000Z', '2026-11-21T12:00:01.000Z', 'done'),
  ('r', 'bundle/dev', 'create', 'docker', 'd', '2026-11-21T12:00:01.000Z', NULL, NULL);
INSERT INTO applied VALUES ('bottle/dev', 'd', 1, '{"cpus":1}', 'abc', '2026-11-21T12:00:01.000Z');
PRAGMA user_version = 1;
