/** Registration: a table is looked at, kept as a collection, and told of. */
import sql from "sql-template-tag";
import * as z from "zod/mini";
import type { Host } from "../host/host.ts";
import type { Limitation } from "../model/collection.ts";
import { HealingError } from "../base/errors.ts";
import { parseDocument } from "../base/documents.ts";
import { recordEvent } from "../store/events.ts";
import { type Partition, readPartitions, readTable, type TableFacts } from "./introspect.ts";
import { consentSentence, limitationsOf, ROW_MOVERS, tenantColumn } from "./limitations.ts";
import { readMoveFacts, readUntrusted } from "./move-facts.ts";
import { checkAccessColumn, coldKey } from "./options.ts";
import type { SearchInput } from "../model/recall.ts";
import { checkSearches, parseSearches } from "./named-searches.ts";
import { keepCollection } from "../store/collections.ts";
import { refreshRoutes } from "../store/routes.ts";
import { readStatements, type Statements, statementsSentence } from "./statements.ts";
import { servableVectorColumn } from "./vector-column.ts";

const OPTIONS = {
  vector_column: z.optional(z.string()),
  tenant_column: z.optional(z.string()),
  tenant: z.optional(z.string().check(z.minLength(1), z.maxLength(200))),
  movable: z.optional(z.boolean()),
  access_column: z.optional(z.string()),
  cold_partition: z.optional(z.union([z.string(), z.number()])),
  searches: z.optional(z.array(z.unknown())),
};

export type Options = Omit<ReturnType<typeof parseDocument<typeof OPTIONS>>, "searches"> & {
  readonly searches?: readonly SearchInput[] | undefined;
};

function parseOptions(input: unknown): Options {
  const { searches: given, ...options } = parseDocument("options", OPTIONS, input);
  const searches = parseSearches(given ?? []);
  return { ...options, ...(searches.length > 0 && { searches }) };
}

/** What was found of a table that is being registered. */
interface Registration {
  readonly facts: TableFacts;
  readonly vector: TableFacts["vector_columns"][number];
  /** Key of the cold partition; undefined: none was named. */
  readonly cold: string | undefined;
  readonly partitions: readonly Partition[];
  readonly limitations: readonly Limitation[];
}

/**
 * `ruvector_healing_register`: introspects the table, keeps it, and says what was found and which
 * strategies do not apply. Registering again refreshes all of it.
 */
export function register(host: Host, relation: string, input: unknown): Record<string, unknown> {
  const options = parseOptions(input);
  const found = examine(host, relation, options);
  const id = keep(host, found, options);
  tellLimitations(host, found);
  const { facts, vector, cold, partitions, limitations } = found;
  const told = tellConsent(host, found, options);
  return {
    collection: facts.qualified,
    collection_id: id,
    partition_strategy: facts.partition_strategy,
    partition_column: facts.partition_column?.name ?? null,
    partitions: partitions.map(({ label, values }) => ({ name: label, values })),
    primary_key: facts.primary_key.map(({ name }) => name),
    vector_column: vector.name,
    vector_type: vector.type,
    vector_indexed: vector.indexed,
    tenant_column: tenantColumn(facts, options.tenant_column),
    tenant: options.tenant ?? null,
    access_column: options.access_column ?? null,
    cold_partition: cold ?? null,
    searches: options.searches ?? [],
    ...told,
    limitations,
  };
}

/** @throws HealingError where the table cannot be served, or an option does not fit it */
function examine(host: Host, relation: string, options: Options): Registration {
  const facts = readTable(host, relation);
  if (!facts) throw new HealingError("unknown_collection", `relation ${relation} does not exist`);
  const vector = servableVectorColumn(facts, options.vector_column);
  if (options.tenant_column !== undefined && !facts.columns.includes(options.tenant_column)) {
    throw new HealingError(
      "invalid_argument",
      `table ${facts.qualified} has no column "${options.tenant_column}"`,
      {
        detail: "Given as tenant_column.",
        hint: `Its columns: ${facts.columns.join(", ")}.`,
      },
    );
  }
  checkAccessColumn(host, facts, options.access_column);
  checkSearches(host, facts, options.searches ?? []);
  const cold =
    options.cold_partition === undefined ? undefined : coldKey(host, facts, options.cold_partition);
  // Rows are not sent to other servers.
  const partitions = readPartitions(host, facts.relid).filter(({ kind }) => kind !== "f");
  const limitations = facts.distributed
    ? distributedLimitations(host, facts)
    : limitationsOf(
        facts,
        readMoveFacts(host, facts.relid),
        options,
        null,
        readUntrusted(host, facts.relid),
      );
  return { facts, vector, cold, partitions, limitations };
}

/** The collection, the routes to its partitions, and the event. Returns the collection's id. */
function keep(host: Host, found: Registration, options: Options): number {
  const { facts, vector, cold, partitions, limitations } = found;
  const id = keepCollection(host, {
    ...facts,
    vector,
    tenant_column: tenantColumn(facts, options.tenant_column),
    limitations,
    options: { ...options, cold_partition: cold },
  });
  refreshRoutes(
    host,
    id,
    partitions.filter(({ values }) => cold === undefined || !values.includes(cold)),
  );
  recordEvent(host, {
    collection_id: id,
    collection: facts.qualified,
    kind: "registered",
    message: `Registered ${facts.qualified}.`,
    details: { options, limitations },
  });
  return id;
}

function tellLimitations(host: Host, { facts, limitations }: Registration): void {
  if (facts.distributed) {
    host.notice(
      `${facts.qualified} is distributed by Citus: it is registered, and neither sensed nor ` +
        "healed; its verdict is unknown.",
    );
    return;
  }
  // Once for all strategies that move rows; what evict_cold_data alone lacks stands in
  // `limitations`.
  for (const { reason, hint } of limitations.filter(
    ({ strategy }) => strategy === "rebalance_partitions",
  )) {
    host.notice(
      `${facts.qualified} is sensed, but its rows are not moved (${ROW_MOVERS.join(", ")}): ` +
        `${reason}. ${hint}`,
    );
  }
  for (const { strategy, reason, hint } of limitations.filter(
    ({ strategy }) => strategy === "throttle_ingestion" || strategy === "compact_indexes",
  )) {
    host.notice(`${facts.qualified} is sensed, but ${strategy} does not apply: ${reason}. ${hint}`);
  }
}

/** What consent means, and the statements seen that a move would break. */
function tellConsent(
  host: Host,
  { facts, limitations }: Registration,
  { movable }: Options,
): Statements & { readonly consent: string | null } {
  const consent = consentSentence(facts);
  if (consent !== null && !limitations.some(({ strategy }) => strategy === "rebalance_partitions"))
    host.notice(consent);
  // Also where something else stands in the way today: it may go, and consent was given.
  const said: Statements =
    consent !== null && (movable ?? facts.partition_column!.routed)
      ? readStatements(host, facts)
      : { statements: null, statements_unread: null };
  const breaks = statementsSentence(facts, said);
  if (breaks !== null) host.notice(breaks);
  return { consent, ...said };
}

/** Nothing of ours reaches a table whose rows are on other servers. */
const distributedLimitations = (host: Host, { qualified }: TableFacts): Limitation[] =>
  host
    .query<{ name: string }>(sql`SELECT name FROM ruvector.healing_strategies()`)
    .map(({ name }) => ({
      strategy: name,
      reason: `${qualified} is distributed by Citus: not sensed`,
      hint: "Sense it where its shards are: each of them is a table there.",
    }));
