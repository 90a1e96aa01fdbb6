/**
 * The errors of ruvector_healing. Each has its own SQLSTATE in class RV (the SQL standard leaves
 * classes that begin with I to Z to implementations), a DETAIL with the offending value and a HINT
 * that says what to type. `docs/errors.md` lists them.
 */
export const SQLSTATES = {
  invalid_argument: "RV001",
  unknown_collection: "RV002",
  unsupported_table: "RV003",
  unknown_strategy: "RV004",
  unknown_setting: "RV005",
  unknown_action: "RV006",
  wrong_action_state: "RV007",
  collection_busy: "RV008",
  scheduling_unavailable: "RV009",
  missing_privilege: "RV010",
  remedy_refused: "RV011",
  /** Raised by the throttle's trigger, in SQL. */
  throttled: "RV012",
  /** Raised in SQL. */
  breaker_busy: "RV016",
  move_refused: "RV018",
  inside_transaction: "RV019",
  standby_server: "RV020",
  actuation_failed: "RV021",
  unknown_actuation: "RV022",
  actuation_closed: "RV023",
  actuation_claimed: "RV024",
  /** RV030 to RV032 are raised by the functions for rights and by the script, in SQL. */
  unknown_role: "RV030",
  unknown_level: "RV031",
  foreign_objects: "RV032",
  /** RV040 to RV043 are raised by the audit functions, in SQL. */
  audit_signature_refused: "RV040",
  audit_key_refused: "RV041",
  audit_head_unknown: "RV042",
  audit_busy: "RV043",
  session_changed: "RV033",
  untrusted_code: "RV034",
  nested_call: "RV035",
  globals_changed: "RV039",
  /** Raised where the engine would be started, in SQL. */
  engine_gone: "RV044",
  /** RV036 to RV038 are raised by the script and by ruvector_healing_uninstall(), in SQL. */
  newer_installed: "RV036",
  still_used: "RV037",
  installed_otherwise: "RV038",
  internal_error: "RV999",
} as const;

export type ErrorName = keyof typeof SQLSTATES;

export interface ErrorExtras {
  readonly detail?: string;
  readonly hint?: string;
}

/** What the SQL wrapper needs to RAISE it. */
export interface ErrorDocument {
  readonly sqlstate: string;
  readonly message: string;
  readonly detail: string | null;
  readonly hint: string | null;
}

/** An error of ours, raised to the caller as it is. */
export class HealingError extends Error {
  // A field: where somebody froze Error.prototype in this session, name cannot be assigned.
  override readonly name = "HealingError";
  readonly document: ErrorDocument;

  constructor(name: ErrorName, message: string, extras: ErrorExtras = {}) {
    super(message);
    this.document = {
      sqlstate: SQLSTATES[name],
      message,
      detail: extras.detail ?? null,
      hint: extras.hint ?? null,
    };
  }
}

/** An error of PostgreSQL, reported by `ruvector.healing_run` with its real SQLSTATE. */
export class SqlError extends Error {
  override readonly name = "SqlError";
  readonly document: ErrorDocument;

  constructor(document: ErrorDocument) {
    super(document.message);
    this.document = document;
  }

  get sqlstate(): string {
    return this.document.sqlstate;
  }
}

/**
 * SQLSTATEs that another try may cure: serialization_failure, deadlock_detected,
 * lock_not_available, unique_violation (a row that arrived between the check and the move).
 */
export const isTransient = (error: unknown): error is SqlError =>
  error instanceof SqlError && ["40001", "40P01", "55P03", "23505"].includes(error.sqlstate);
