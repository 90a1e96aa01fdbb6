import sql from "sql-template-tag";
import * as z from "zod/mini";
import type { Host } from "../host/host.ts";
import type { Limitation } from "../model/collection.ts";
import { HealingError } from "../base/errors.ts";
import { parseDocument } from "../base/documents.ts";
import { recordEvent } from "../audit/events.ts";
import { readPartitions, readTable, type TableFacts } from "./introspect.ts";
import { consentSentence, limitationsOf, ROW_MOVERS, tenantColumn } from "./limitations.ts";
import { readMoveFacts, readUntrusted } from "./move-facts.ts";
import { checkAccessColumn, coldKey } from "./options.ts";
import { refreshRoutes } from "../store/routes.ts";
import { readStatements, type Statements, statementsSentence } from "./statements.ts";

const OPTIONS = {
  vector_column: z.optional(z.string()),
  tenant_column: z.optional(z.string()),
  tenant: z.optional(z.string().check(z.minLength(1), z.maxLength(200))),
  movable: z.optional(z.boolean()),
  access_column: z.optional(z.string()),
  cold_partition: z.optional(z.union([z.string(), z.number()])),
};

/**
 * `ruvector_healing_register`: introspects the table, keeps it, and says what was found and which
 * strategies do not apply. Registering again refreshes all of it.
 */
export function register(host: Host, relation: string, input: unknown): Record<string, unknown> {
  const options = parseDocument("options", OPTIONS, input);
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
  const { id } = host.one<{ id: number }>(sql`
    INSERT INTO ruvector.collections AS c (schema_name, table_name, relid, partition_strategy,
      partition_column, partition_type,
                                     primary_key, vector_column, vector_type, tenant_column,
                                       limitations, options)
    VALUES (${facts.schema_name}, ${facts.table_name}, ${facts.relid}::oid,
      ${facts.partition_strategy},
            ${facts.partition_column?.name ?? null}, ${facts.partition_column?.type ?? null},
            ${JSON.stringify(facts.primary_key)}::jsonb, ${vector.name}, ${vector.type},
            ${tenantColumn(facts, options.tenant_column)}, ${JSON.stringify(limitations)}::jsonb,
              ${JSON.stringify({ ...options, cold_partition: cold })}::jsonb)
    ON CONFLICT (schema_name, table_name) DO UPDATE
       SET relid = excluded.relid, partition_strategy = excluded.partition_strategy,
         partition_column = excluded.partition_column,
           partition_type = excluded.partition_type, primary_key = excluded.primary_key,
             vector_column = excluded.vector_column,
           vector_type = excluded.vector_type, tenant_column = excluded.tenant_column,
             limitations = excluded.limitations,
           options = excluded.options
    RETURNING c.collection_id AS id`);
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
  if (facts.distributed)
    host.notice(
      `${facts.qualified} is distributed by Citus: it is registered, and neither sensed nor ` +
        "healed; its verdict is unknown.",
    );
  // Once for all strategies that move rows; what evict_cold_data alone lacks stands in
  // `limitations`.
  for (const { reason, hint } of limitations.filter(
    ({ strategy }) => strategy === "rebalance_partitions" && !facts.distributed,
  )) {
    host.notice(
      `${facts.qualified} is sensed, but its rows are not moved (${ROW_MOVERS.join(", ")}): ` +
        `${reason}. ${hint}`,
    );
  }
  for (const { strategy, reason, hint } of limitations.filter(
    ({ strategy }) =>
      (strategy === "throttle_ingestion" || strategy === "compact_indexes") && !facts.distributed,
  )) {
    host.notice(`${facts.qualified} is sensed, but ${strategy} does not apply: ${reason}. ${hint}`);
  }
  const consent = consentSentence(facts);
  if (consent !== null && !limitations.some(({ strategy }) => strategy === "rebalance_partitions"))
    host.notice(consent);
  // Also where something else stands in the way today: it may go, and consent was given.
  const said: Statements =
    consent !== null && (options.movable ?? facts.partition_column!.routed)
      ? readStatements(host, facts)
      : { statements: null, statements_unread: null };
  const breaks = statementsSentence(facts, said);
  if (breaks !== null) host.notice(breaks);
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
    consent,
    ...said,
    limitations,
  };
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

function servableVectorColumn(facts: TableFacts, wanted: string | undefined) {
  if (!["r", "p"].includes(facts.kind)) {
    throw new HealingError("unsupported_table", `${facts.qualified} is not a table`, {
      detail:
        `pg_class.relkind is "${facts.kind}"; tables (r) and partitioned tables (p) can be ` +
        "registered.",
      hint: "Register the table behind it.",
    });
  }
  if (facts.is_partition) {
    throw new HealingError("unsupported_table", `${facts.qualified} is a partition`, {
      detail: "Partitions are healed as parts of their table.",
      hint:
        "SELECT ruvector_healing_register((SELECT inhparent::regclass::text FROM pg_inherits " +
        `WHERE inhrelid = '${facts.qualified.replace(/'/g, "''")}'::regclass));`,
    });
  }
  if (!facts.may_select) {
    throw new HealingError(
      "missing_privilege",
      `role ${facts.installer} may not read ${facts.qualified}`,
      {
        detail: "The loop works with the rights of the role that installed it.",
        hint: `GRANT SELECT, UPDATE ON ${facts.qualified} TO ${facts.installer};`,
      },
    );
  }
  if (facts.vector_columns.length === 0) {
    throw new HealingError("unsupported_table", `${facts.qualified} has no vector column`, {
      detail: `Its columns: ${facts.columns.join(", ")}.`,
      hint: "A collection is a table with a column of pgvector's types vector, halfvec, sparsevec.",
    });
  }
  const chosen =
    wanted === undefined
      ? (facts.vector_columns.find((column) => column.indexed) ?? facts.vector_columns[0])
      : facts.vector_columns.find((column) => column.name === wanted);
  if (!chosen) {
    throw new HealingError(
      "invalid_argument",
      `"${wanted}" is not a vector column of ${facts.qualified}`,
      {
        detail: "Given as vector_column.",
        hint: `Its vector columns: ${facts.vector_columns.map(({ name }) => name).join(", ")}.`,
      },
    );
  }
  return chosen;
}
