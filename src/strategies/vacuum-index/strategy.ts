/** vacuum_index: VACUUM, by pg_cron, where dead entries are why an index finds too little. */
import sql from "sql-template-tag";
import * as z from "zod/mini";
import { HealingError } from "../../base/errors.ts";
import { count, short } from "../../base/text.ts";
import { startJob, watchJob } from "../../jobs/jobs.ts";
import { cancelJob } from "../../jobs/watch.ts";
import type { Change, Progress } from "../../model/action.ts";
import { vacuumProgress } from "../../sense/collect/vacuum-state.ts";
import { isOpen, type Job, jobsOf } from "../../store/jobs.ts";
import type { Host } from "../../host/host.ts";
import type { BatchContext, BatchResult, Strategy } from "../strategy.ts";
import { failedJob, inTheWay } from "../failed-job.ts";
import { planVacuum, vacuum, type VacuumPlan } from "./plan.ts";

interface VacuumProgress extends Progress {
  /** Place of the table that is at it. */
  readonly table: number;
  readonly job: string | null;
  /** How far the vacuum is; absent: none is on its way. */
  readonly note?: string;
}

interface Vacuumed extends Change {
  readonly kind: "vacuum";
  readonly details: { readonly table: string; readonly dead: number };
  readonly journal: readonly { readonly job: string }[];
}

const PARAMS = () => ({ index: z.optional(z.string().check(z.minLength(1), z.maxLength(200))) });

export const vacuumIndex: Strategy<VacuumPlan, VacuumProgress, Vacuumed, typeof PARAMS> = {
  name: "vacuum_index",
  handles: ["recall_loss"],
  impact: 0.2,
  reversible: false,
  mayWorsen: false,
  description:
    "Vacuums the table of a vector index whose dead entries take the places of live ones in " +
    "searches.",
  params: PARAMS,
  start: { table: 0, job: null },
  applicable: ({ limitations }) =>
    limitations.find(({ strategy }) => strategy === "vacuum_index") ?? true,
  plan: ({ params, ...request }) => planVacuum(request, params.index),
  executeBatch,
  boundTo: ({ tables }) => ({
    facts: { tables: tables.map(({ table, oid }) => `${table} (oid ${oid})`) },
    amounts: { bytes: Object.fromEntries(tables.map(({ table, bytes }) => [table, bytes])) },
  }),
  reaches: ({ indexes }) => ({ partitions: [], indexes: indexes.map(({ index }) => index) }),
  mayStop: ({ progress: { job } }) => job === null,
  preflight: ["transactions", "slots"],
  remeasures: ["centroids", "indexes"],
  describeStep: ({ details: { table, dead } }) => `vacuumed ${table} (${short(dead)} dead rows)`,
  describeProgress: ({ plan, progress: { table, note } }) =>
    `${note === undefined ? "" : `${note}; `}${table} of ${count(plan.tables.length, "table")} ` +
    "vacuumed",
  // What was vacuumed stays so; a job that runs is ended.
  undoStep({ host, action }, step) {
    const open = jobsOf(host, action.id).filter((job) => isOpen(job));
    const runs = open.some(
      ({ id }) => isOpen(watchJob(host, id)) && isOpen(cancelJob(host, id, "the action is undone")),
    );
    return { remaining: runs ? step.journal : [], undone: 0, gone: 0, conflicts: 0 };
  },
};

function executeBatch({
  host,
  action,
}: BatchContext<VacuumPlan, VacuumProgress>): BatchResult<VacuumProgress, Vacuumed> {
  const { plan, progress } = action;
  const one = plan.tables[progress.table];
  if (!one)
    return { done: true, steps: [], progress: { ...progress, done: true, remeasure: true } };
  if (progress.job === null) {
    const [there] = host.query<{ is: boolean }>(
      sql`SELECT to_regclass(${one.table})::oid::text = ${one.oid} AS is`,
    );
    if (!there?.is)
      throw new HealingError("remedy_refused", `${one.table} is not the table any more`, {
        hint: "The next evaluation plans anew.",
      });
    const job = startJob(host, action, {
      purpose: "vacuum",
      command: vacuum(one.table),
      deadline_seconds: Math.max(120, plan.estimated_duration_seconds),
    });
    return {
      done: false,
      steps: [
        {
          kind: "vacuum",
          details: { table: one.table, dead: one.dead },
          rows: 0,
          journal: [{ job: job.id }],
          bytes: one.bytes,
          wal_bytes: Math.round(one.bytes / 2),
        },
      ],
      progress: { ...progress, job: job.id },
      waiting: `pg_cron is to vacuum ${one.table}`,
    };
  }
  const job = watchJob(host, progress.job);
  const note = `${one.table}: ${vacuumProgress(host, one.oid) ?? job.message ?? job.state}`;
  if (isOpen(job))
    return { done: false, steps: [], progress: { ...progress, note }, waiting: note };
  if (job.state !== "succeeded")
    throw failedJob(host, `${one.table} could not be vacuumed`, job, one.oid);
  refuseInVain(host, job, one);
  const { note: _over, ...vacuumed } = progress;
  return {
    done: false,
    steps: [],
    progress: { ...vacuumed, table: progress.table + 1, job: null },
  };
}

/**
 * Rows that somebody may still see are dead, and stay: nothing that is found or costs is better for
 * such a VACUUM.
 * @throws HealingError RV011 with who that is
 */
function refuseInVain(
  host: Host,
  job: Job,
  { table, oid, dead }: VacuumPlan["tables"][number],
): void {
  const { left } = host.one<{ left: number }>(
    sql`SELECT pg_stat_get_dead_tuples(${oid}::oid)::float8 AS left`,
  );
  const held = 2 * left > dead ? inTheWay(host, job, oid) : null;
  if (held)
    throw new HealingError(
      "remedy_refused",
      `${table} was vacuumed, and ${short(left)} of its ${short(dead)} dead rows stay: ` + held,
      {
        detail: "What it may still see cannot be taken out.",
        hint: "End it, or wait for its end, and execute vacuum_index again.",
      },
    );
}
