/** Which strategies do not apply to a table, and why. */
import type { Registered } from "./condition.ts";
import type { Limitation, RegisteredOptions } from "../model/collection.ts";
import type { Untrusted } from "../host/host.ts";
import type { TableFacts } from "./introspect.ts";
import type { MoveFacts } from "./move-facts.ts";
import { obstacles, untrustedObstacles } from "./obstacles.ts";

const TENANT_NAME =
  /^(tenant|customer|account|org|organization|organisation|client|workspace)(_?(id|key|uuid))?$/i;

/** The tenant column of a table: what the user said, or the first column of a usual name. */
export function tenantColumn(facts: TableFacts, given: string | undefined): string | null {
  return given ?? facts.columns.find((name) => TENANT_NAME.test(name)) ?? null;
}

/**
 * The strategies that move rows between partitions: what stands in the way of one stands in the way
 * of all.
 */
export const ROW_MOVERS = [
  "rebalance_partitions",
  "drain_hot_partition",
  "evict_cold_data",
] as const;

/** Why a strategy that moves rows does not apply to a collection; true: it does. */
export const mayMoveRows = (
  strategy: (typeof ROW_MOVERS)[number],
  { limitations }: { readonly limitations: readonly Limitation[] },
): true | Limitation => limitations.find((one) => one.strategy === strategy) ?? true;

/** What consent means for applications, in one sentence; null where rows never move. */
export const consentSentence = ({
  partition_strategy,
  partition_column,
  qualified,
}: TableFacts): string | null =>
  partition_strategy !== "list" || partition_column === null
    ? null
    : `Where rows of ${qualified} may move, applications must not address them by ` +
      `${partition_column.quoted} (WHERE, JOIN, the names of partitions), nor upsert on it (ON ` +
      "CONFLICT): its value changes with every move.";

/** What reads rows to plan, or has them read into an index. */
const MEASURED = [
  "compact_indexes",
  "rebuild_centroids",
  "rebuild_index",
  "tune_search",
  "vacuum_index",
] as const;

/** Everything that does not apply to a table, by strategy. */
export function limitationsOf(
  facts: TableFacts,
  moves: MoveFacts,
  options: RegisteredOptions,
  registered: Registered | null,
  untrusted: readonly Untrusted[],
): Limitation[] {
  const reading = untrustedObstacles(untrusted.filter(({ usage }) => usage === "read"));
  return [
    ...reading.flatMap(({ reason, hint }) =>
      MEASURED.map((strategy) => ({ strategy, reason, hint })),
    ),
    ...[
      ...obstacles({
        facts,
        moves,
        options,
        tenant: tenantColumn(facts, options.tenant_column),
        registered,
      }),
      ...untrustedObstacles(untrusted),
    ].flatMap(({ reason, hint }) => ROW_MOVERS.map((strategy) => ({ strategy, reason, hint }))),
    ...evictionLimitations(facts, options),
    ...throttleLimitations(facts),
  ];
}

/**
 * What evict_cold_data needs beside a table whose rows may be moved: how to tell cold rows, and
 * where to put them.
 */
function evictionLimitations(facts: TableFacts, options: RegisteredOptions): Limitation[] {
  const missing = [
    ...(options.access_column === undefined
      ? ["access_column (a time of last use, a count of uses)"]
      : []),
    ...(options.cold_partition === undefined
      ? ["cold_partition (the partition key value for cold rows)"]
      : []),
  ];
  if (missing.length === 0) return [];
  return [
    {
      strategy: "evict_cold_data",
      reason: `registered without ${missing.join(" and ")}`,
      hint: `Register ${facts.qualified} again with the options access_column and cold_partition.`,
    },
  ];
}

/** Why inserts into this table cannot be throttled. Empty: they can. */
function throttleLimitations({ owns, owner, installer, qualified }: TableFacts): Limitation[] {
  if (owns) return [];
  return [
    {
      strategy: "throttle_ingestion",
      reason:
        `${qualified} belongs to ${owner}: ` +
        "only its owner can remove the trigger that throttles",
      hint: `GRANT ${owner} TO ${installer}; and register the table again.`,
    },
  ];
}
