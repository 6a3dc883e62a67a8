/** What one run of the migrations did. */
export interface MigrateResult {
  /** The versions that this run applied. */
  readonly applied: number[]
  /** The version of the database after the run. */
  readonly version: number
  /** Notices of the database during the run, such as a role that could not be created. */
  readonly notes: string[]
}

/** The schema of a database, compared with the migrations of this program. */
export interface SchemaStatus {
  /** The version of the database, 0 without a schema. */
  readonly version: number
  /** The newest version that this program knows. */
  readonly latest: number
  readonly pending: readonly { readonly version: number; readonly name: string }[]
  readonly applied: readonly Omit<AppliedMigration, 'sha256'>[]
  /** The location of the tables; absent without a schema. */
  readonly location?: SchemaLocation | undefined
  /** Absent while migrations are pending, so that the guards that they create do not count as missing. */
  readonly guards?: GuardStatus | undefined
}

/** One row of audit_schema_migration. */
export interface AppliedMigration {
  readonly version: number
  readonly name: string
  /** The hash of the file that was applied, 64 lower-case hex digits. */
  readonly sha256: string
  /** RFC 3339, UTC. */
  readonly appliedAt: string
}

/** The difference between the guards that the migrations create against accidents and the guards in a database. */
export interface GuardStatus {
  /** Objects that are gone, each as `table: kind name`, ascending. */
  readonly missing: readonly string[]
  /** Triggers that do not fire in every session, constraints that were never validated, and indexes that are not valid. */
  readonly disabled: readonly string[]
  /** Objects whose definition is not that of the migrations, such as a column of another type or an UNLOGGED table. */
  readonly altered: readonly string[]
  /** Privileges that everybody has. */
  readonly exposed: readonly string[]
  /** Settings of the database, of roles and of this session that switch triggers off. */
  readonly settings: readonly string[]
  /** Objects on these tables that no migration created and that can change what is written or read. */
  readonly added: readonly string[]
}

/** The schemas of a database that hold the tables of an audit log. */
export interface SchemaLocation {
  /** The one schema of this role's search_path that holds the tables. */
  readonly schema: string
  /** Schemas outside the search_path that also hold an audit log. */
  readonly elsewhere: readonly string[]
}

/** The schema that a running program has checked, and works with. */
export interface PinnedSchema extends SchemaLocation {
  /** The version of the schema, which is the newest one that this program knew when it started. */
  readonly version: number
}

/** The state of the embedded server of a home. */
export interface EmbeddedStatus {
  /** Whether the server accepts connections. */
  readonly running: boolean
  /** The process id of the server, also while it starts or stops. */
  readonly pid?: number | undefined
  /** The PostgreSQL major version of the data; undefined before the first start. */
  readonly version?: string | undefined
  readonly dataDir: string
  readonly socket: string
  readonly logFile: string
}
