/** A row of `ruvector.healing_leases`, and what is asked for to get one. */

export interface Lease {
  readonly id: string;
  readonly action_id: string;
  readonly collection_id: number;
  readonly strategy_name: string;
  readonly kind: string;
  readonly target: Readonly<Record<string, unknown>>;
  /** What is put back when it ends. */
  readonly previous: Readonly<Record<string, unknown>>;
  /** Seconds since 1970. */
  readonly granted_at: number;
  readonly expires_at: number;
}

export interface NewLease {
  readonly kind: string;
  readonly target: Readonly<Record<string, unknown>>;
  readonly previous: Readonly<Record<string, unknown>>;
  readonly seconds: number;
}

/** Kind of the lease that keeps new rows out of partitions. */
export const CLOSED_ROUTES = "closed_routes";
