/**
 * The schema of the state database, step by step. A step is never edited after a release; a new one is appended and
 * a database of that release is added to the tests.
 */
export interface Migration {
  readonly version: number
  readonly sql: string
}

export const MIGRATIONS: readonly Migration[] = [
  {
    version: 1,
    sql: `
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
    `,
  },
]
