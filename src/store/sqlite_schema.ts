import { TuneError } from '../errors.ts'
import { rowsOf, valueOf, type Db } from './db.ts'
import { backUp } from './sqlite_backup.ts'

/** The revision of Optuna's schema that we write. */
const OPTUNA_REVISION = 'v3.2.0.a'

/**
 * Makes the tables of a new file, adds ours to one of Optuna's, and refuses a file of anything else. One of an older
 * version is copied before it is changed, and `say` is told where to.
 */
export function ensureSchema(db: Db, say: (message: string) => void): void {
  if (tables(db).size > 0) {
    checkSchema(db)
    const schema = schemaOf(db)
    if (schema < MIGRATIONS.length) {
      const copy = backUp(db, schema)
      say(`${db.name} was written by an older version: it is brought up to date, and a copy is kept as ${copy}`)
    }
  }
  db.transaction(() => {
    if (tables(db).size === 0) db.exec(OPTUNA_TABLES)
    checkSchema(db)
    for (const migration of MIGRATIONS.slice(schemaOf(db))) db.exec(migration)
    db.prepare('UPDATE tune_meta SET schema = ?').run(MIGRATIONS.length)
    if (hasOrphans(db)) for (const owned of OWNERS) db.exec(`DELETE ${orphansOf(owned)}`)
  }).immediate()
}

/** Throws where a file is no database of studies, or one of a version that we do not know. */
export function checkSchema(db: Db): void {
  checkIsPlain(db)
  const present = tables(db)
  if (!['alembic_version', 'studies', 'trials'].every((table) => present.has(table))) {
    throw new TuneError('store/invalid', `${db.name} is a database of something else: it has no table of studies`, {
      hint: 'move it away, or choose another directory by --results DIR',
    })
  }
  const revision = valueOf(db, 'SELECT version_num FROM alembic_version')
  if (revision !== OPTUNA_REVISION) throw otherRevision(db.name, String(revision))
  const ours = schemaOf(db)
  if (ours > MIGRATIONS.length) {
    throw new TuneError(
      'store/newer',
      `${db.name} was written by a newer panoptune (schema ${ours}, this one knows ${MIGRATIONS.length})`,
      {
        hint: 'install the newest panoptune',
      },
    )
  }
}

/** Throws where reading or writing a file would run what its author wrote. Neither we nor Optuna write such. */
function checkIsPlain(db: Db): void {
  const [odd] = [...rowsOf<Odd>(db, ODD_OBJECTS), ...rowsOf<Odd>(db, COMPUTED_COLUMNS)]
  if (!odd) return
  throw new TuneError(
    'store/invalid',
    `${db.name} has a ${odd.what} '${odd.name}': it may run anything when it is used`,
    {
      hint: 'take that out of it, or choose another directory by --results DIR',
    },
  )
}

interface Odd {
  readonly what: string
  readonly name: string
}

const ODD_OBJECTS = `
  SELECT iif(type = 'table', 'virtual table', type) AS what, name FROM sqlite_schema
  WHERE type IN ('view', 'trigger') OR (type = 'table' AND rootpage = 0) LIMIT 1
`
const COMPUTED_COLUMNS = `
  SELECT 'computed column' AS what, m.name || '.' || c.name AS name
  FROM sqlite_schema AS m, pragma_table_xinfo(m.name) AS c
  WHERE m.type = 'table' AND m.rootpage > 0 AND c.hidden <> 0 LIMIT 1
`

/** Whether a file has our own tables: one that only Optuna wrote does not. */
export function hasTuneTables(db: Db): boolean {
  return tables(db).has('tune_studies')
}

/** How many migrations a file has had. */
function schemaOf(db: Db): number {
  return tables(db).has('tune_meta') ? Number(valueOf(db, 'SELECT schema FROM tune_meta')) : 0
}

function tables(db: Db): ReadonlySet<string> {
  return new Set(
    rowsOf<{ name: string }>(db, `SELECT name FROM sqlite_master WHERE type = 'table'`).map(({ name }) => name),
  )
}

function otherRevision(file: string, revision: string): TuneError {
  const known = `Optuna's schema ${revision}, this panoptune knows ${OPTUNA_REVISION}`
  if (revision.localeCompare(OPTUNA_REVISION, 'en', { numeric: true }) > 0) {
    return new TuneError('store/newer', `${file} was written by a newer program: it has ${known}`, {
      hint: 'install the newest panoptune, or choose another directory by --results DIR',
    })
  }
  return new TuneError('store/invalid', `${file} was written by an older Optuna: it has ${known}`, {
    hint: `run: optuna storage upgrade --storage sqlite:///${file}`,
  })
}

/** Whether Optuna has deleted something, which it does without our cascades. What belongs to a trial has one of ours beside it. */
function hasOrphans(db: Db): boolean {
  return OWNERS.slice(0, 2).some((owned) => valueOf(db, `SELECT EXISTS (SELECT 1 ${orphansOf(owned)})`) === 1)
}

function orphansOf([child, key, parent]: (typeof OWNERS)[number]): string {
  return `FROM ${child} WHERE ${key} NOT IN (SELECT ${key} FROM ${parent})`
}

/** What belongs to what: studies and trials first, and then what is only there where they are. */
const OWNERS = [
  ['tune_studies', 'study_id', 'studies'],
  ['tune_trials', 'trial_id', 'trials'],
  ['tune_events', 'study_id', 'studies'],
  ['tune_reports', 'trial_id', 'trials'],
  ['tune_attempts', 'trial_id', 'trials'],
] as const

/** As Optuna 5 makes them, name for name: another column or constraint would break its migrations. */
const OPTUNA_TABLES = `
CREATE TABLE studies (
  study_id INTEGER NOT NULL,
  study_name VARCHAR(512) NOT NULL,
  PRIMARY KEY (study_id)
);
CREATE UNIQUE INDEX ix_studies_study_name ON studies (study_name);
CREATE TABLE version_info (
  version_info_id INTEGER NOT NULL,
  schema_version INTEGER,
  library_version VARCHAR(256),
  PRIMARY KEY (version_info_id),
  CHECK (version_info_id=1)
);
CREATE TABLE study_directions (
  study_direction_id INTEGER NOT NULL,
  direction VARCHAR(8) NOT NULL,
  study_id INTEGER NOT NULL,
  objective INTEGER NOT NULL,
  PRIMARY KEY (study_direction_id),
  UNIQUE (study_id, objective),
  FOREIGN KEY(study_id) REFERENCES studies (study_id)
);
CREATE TABLE study_user_attributes (
  study_user_attribute_id INTEGER NOT NULL,
  study_id INTEGER,
  "key" VARCHAR(512),
  value_json TEXT,
  PRIMARY KEY (study_user_attribute_id),
  UNIQUE (study_id, "key"),
  FOREIGN KEY(study_id) REFERENCES studies (study_id)
);
CREATE TABLE study_system_attributes (
  study_system_attribute_id INTEGER NOT NULL,
  study_id INTEGER,
  "key" VARCHAR(512),
  value_json TEXT,
  PRIMARY KEY (study_system_attribute_id),
  UNIQUE (study_id, "key"),
  FOREIGN KEY(study_id) REFERENCES studies (study_id)
);
CREATE TABLE trials (
  trial_id INTEGER NOT NULL,
  number INTEGER,
  study_id INTEGER,
  state VARCHAR(8) NOT NULL,
  datetime_start DATETIME,
  datetime_complete DATETIME,
  PRIMARY KEY (trial_id),
  FOREIGN KEY(study_id) REFERENCES studies (study_id)
);
CREATE INDEX ix_trials_study_id ON trials (study_id);
CREATE TABLE trial_user_attributes (
  trial_user_attribute_id INTEGER NOT NULL,
  trial_id INTEGER,
  "key" VARCHAR(512),
  value_json TEXT,
  PRIMARY KEY (trial_user_attribute_id),
  UNIQUE (trial_id, "key"),
  FOREIGN KEY(trial_id) REFERENCES trials (trial_id)
);
CREATE TABLE trial_system_attributes (
  trial_system_attribute_id INTEGER NOT NULL,
  trial_id INTEGER,
  "key" VARCHAR(512),
  value_json TEXT,
  PRIMARY KEY (trial_system_attribute_id),
  UNIQUE (trial_id, "key"),
  FOREIGN KEY(trial_id) REFERENCES trials (trial_id)
);
CREATE TABLE trial_params (
  param_id INTEGER NOT NULL,
  trial_id INTEGER,
  param_name VARCHAR(512),
  param_value FLOAT(53),
  distribution_json TEXT,
  PRIMARY KEY (param_id),
  UNIQUE (trial_id, param_name),
  FOREIGN KEY(trial_id) REFERENCES trials (trial_id)
);
CREATE TABLE trial_values (
  trial_value_id INTEGER NOT NULL,
  trial_id INTEGER NOT NULL,
  objective INTEGER NOT NULL,
  value FLOAT(53),
  value_type VARCHAR(7) NOT NULL,
  PRIMARY KEY (trial_value_id),
  UNIQUE (trial_id, objective),
  FOREIGN KEY(trial_id) REFERENCES trials (trial_id)
);
CREATE TABLE trial_intermediate_values (
  trial_intermediate_value_id INTEGER NOT NULL,
  trial_id INTEGER NOT NULL,
  step INTEGER NOT NULL,
  intermediate_value FLOAT(53),
  intermediate_value_type VARCHAR(7) NOT NULL,
  PRIMARY KEY (trial_intermediate_value_id),
  UNIQUE (trial_id, step),
  FOREIGN KEY(trial_id) REFERENCES trials (trial_id)
);
CREATE TABLE trial_heartbeats (
  trial_heartbeat_id INTEGER NOT NULL,
  trial_id INTEGER NOT NULL,
  heartbeat DATETIME NOT NULL,
  PRIMARY KEY (trial_heartbeat_id),
  UNIQUE (trial_id),
  FOREIGN KEY(trial_id) REFERENCES trials (trial_id)
);
CREATE TABLE alembic_version (
  version_num VARCHAR(32) NOT NULL,
  CONSTRAINT alembic_version_pkc PRIMARY KEY (version_num)
);
INSERT INTO alembic_version VALUES ('${OPTUNA_REVISION}');
INSERT INTO version_info VALUES (1, 12, 'panoptune');
`

/** What Optuna has no place for. Times are milliseconds since 1970. Append only: a file has had the first so many. */
const MIGRATIONS: readonly string[] = [
  `
CREATE TABLE tune_meta (
  only INTEGER PRIMARY KEY DEFAULT 1 CHECK (only = 1),
  schema INTEGER NOT NULL
) STRICT;
INSERT INTO tune_meta (schema) VALUES (0);
CREATE TABLE tune_studies (
  study_id INTEGER PRIMARY KEY REFERENCES studies (study_id) ON DELETE CASCADE,
  goals_json TEXT NOT NULL,
  space_json TEXT NOT NULL,
  settings_json TEXT NOT NULL,
  seed INTEGER NOT NULL,
  code_hash TEXT NOT NULL,
  created_at INTEGER NOT NULL
) STRICT;
CREATE TABLE tune_trials (
  trial_id INTEGER PRIMARY KEY REFERENCES trials (trial_id) ON DELETE CASCADE,
  params_json TEXT NOT NULL,
  seed INTEGER NOT NULL,
  device_json TEXT NOT NULL,
  attempts INTEGER NOT NULL DEFAULT 1,
  started_at INTEGER NOT NULL,
  ended_at INTEGER,
  failure_code TEXT,
  failure_message TEXT
) STRICT;
CREATE TABLE tune_reports (
  trial_id INTEGER NOT NULL REFERENCES trials (trial_id) ON DELETE CASCADE,
  step INTEGER NOT NULL,
  metrics_json TEXT NOT NULL,
  at INTEGER NOT NULL,
  PRIMARY KEY (trial_id, step)
) STRICT, WITHOUT ROWID;
CREATE TABLE tune_events (
  event_id INTEGER PRIMARY KEY,
  study_id INTEGER NOT NULL REFERENCES studies (study_id) ON DELETE CASCADE,
  at INTEGER NOT NULL,
  kind TEXT NOT NULL,
  event_json TEXT NOT NULL
) STRICT;
CREATE INDEX tune_events_study ON tune_events (study_id);
`,
  'ALTER TABLE tune_studies ADD COLUMN steps INTEGER',
  'ALTER TABLE tune_trials ADD COLUMN reason TEXT',
  'ALTER TABLE tune_trials ADD COLUMN paused_at INTEGER',
  'ALTER TABLE tune_studies ADD COLUMN constraints_json TEXT',
  'ALTER TABLE tune_trials ADD COLUMN from_number INTEGER',
  'ALTER TABLE tune_trials ADD COLUMN seconds REAL',
  'ALTER TABLE tune_trials ADD COLUMN derived_json TEXT',
  // How an attempt ended: a state, or the code of a failure. Without an end: its driver died.
  `
CREATE TABLE tune_attempts (
  trial_id INTEGER NOT NULL REFERENCES trials (trial_id) ON DELETE CASCADE,
  attempt INTEGER NOT NULL,
  device_json TEXT NOT NULL,
  host TEXT NOT NULL,
  pid INTEGER NOT NULL,
  started_at INTEGER NOT NULL,
  ended_at INTEGER,
  how TEXT,
  why TEXT,
  PRIMARY KEY (trial_id, attempt)
) STRICT, WITHOUT ROWID;
`,
]
