/** What is read of replicas, and what is remembered of them. */

/** A walsender that feeds a standby or a log receiver. Positions are bytes of log since 0/0. */
export interface Sender {
  readonly application_name: string;
  /** Its slot, unless that ends with the connection. */
  readonly slot: string | null;
  readonly written: number | null;
  /**
   * null: the role may not see it, or the receiver does not replay (pg_receivewal), or has not
   * answered yet.
   */
  readonly replayed: number | null;
  readonly replay_lag: number | null;
}

export interface Slot {
  readonly name: string;
  readonly type: "physical" | "logical";
  readonly database: string | null;
  readonly active: boolean;
  /** The oldest log it keeps; null: none yet. */
  readonly restart: number | null;
  /** What moves when its consumer does something. */
  readonly progress: number | null;
  /** reserved, extended (more than max_wal_size), unreserved (about to be lost) or lost. */
  readonly wal_status: string | null;
  /** Bytes until it is lost; null: no limit (max_slot_wal_keep_size is -1), or lost. */
  readonly safe_wal_size: number | null;
  /** Seconds since 1970; null before PostgreSQL 17 and while it is active. */
  readonly inactive_since: number | null;
}

export interface ReplicationView {
  /** Seconds since 1970. */
  readonly now: number;
  readonly booted: number;
  /** The timeline that is written; null: this server is a standby, which remembers nothing. */
  readonly timeline: string | null;
  /** Whether the role sees the positions of walsenders. */
  readonly may_read: boolean;
  /** How far the log is written and flushed: nothing beyond it can have been sent. */
  readonly position: number;
  /** In an order that lasts: walsenders of one name are told apart by their place. */
  readonly senders: readonly Sender[];
  readonly slots: readonly Slot[];
}

/**
 * `connected` a standby; `gone`, one seen before that has no slot; `inactive_slot`, a standby's
 * slot without it; the others do not replay.
 */
export type ReplicaKind = "connected" | "gone" | "inactive_slot" | "receiver" | "logical_slot";

export interface ReplicaMeasurement {
  /** Node id, e.g. `replica:replica1`; `slot:name` for a logical slot. */
  readonly id: string;
  readonly label: string;
  readonly kind: ReplicaKind;
  /** Of standbys. null: not measured. */
  readonly lag_seconds: number | null;
  readonly lag_bytes: number | null;
  /** Log that its slot keeps from being removed. */
  readonly retained_bytes: number | null;
  /** The same in percent of max_slot_wal_keep_size; null without such a limit. */
  readonly retained_pct: number | null;
  /**
   * Consumers that are no standbys: since when nobody has come, while the slot keeps more than
   * max_wal_size.
   */
  readonly inactive_seconds: number | null;
  /** The log it needs has been removed: it cannot go on. */
  readonly lost: boolean;
  /**
   * Of a connected standby that has received what it has not replayed: how it replays. null: the
   * log is still on its way, or nobody knows.
   */
  readonly replay: "stands" | "keeps_pace" | "falls_behind" | null;
}

export interface KnownReplica {
  readonly label: string;
  readonly seen: number;
  readonly slot: string | null;
  readonly replayed: number | null;
  readonly replays: boolean;
  /**
   * [seconds since 1970, lag in seconds] a while ago, the oldest first: whether it grows. Values of
   * older versions have none.
   */
  readonly lags?: readonly (readonly [number, number])[];
}

/** What a look leaves for the next one. */
export interface ReplicationMemory {
  readonly timeline: string;
  /** When the log had been written how far: [seconds since 1970, position], rising. */
  readonly marks: readonly (readonly [number, number])[];
  readonly replicas: Readonly<Record<string, KnownReplica>>;
  /** Slots that nobody uses, since when. */
  readonly slots: Readonly<
    Record<string, { readonly progress: number | null; readonly since: number }>
  >;
}

export interface Memorable {
  /** How long a replica without a slot that has gone counts as a dead one. */
  readonly replica_memory_seconds: number;
  /** The last scaling down by us, from its request to its answer, seconds since 1970. */
  readonly scaled_down: { readonly from: number; readonly to: number } | null;
}

/** Names come from outside and may be called "constructor". */
export const own = <T>(record: Readonly<Record<string, T>> | undefined, key: string): T | null =>
  record && Object.prototype.hasOwnProperty.call(record, key) ? record[key]! : null;

export const nothing = (id: string, label: string, kind: ReplicaKind): ReplicaMeasurement => ({
  id,
  label,
  kind,
  lag_seconds: null,
  lag_bytes: null,
  retained_bytes: null,
  retained_pct: null,
  inactive_seconds: null,
  lost: false,
  replay: null,
});
