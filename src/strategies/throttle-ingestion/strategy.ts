/**
 * throttle_ingestion: holds inserts back for a while, by two statement triggers that are there only
 * meanwhile.
 */
import type { Lease } from "../../model/lease.ts";
import sql from "sql-template-tag";
import * as z from "zod/mini";
import type { Host } from "../../host/host.ts";
import type { Action, Progress } from "../../model/action.ts";
import { HealingError } from "../../base/errors.ts";
import { count, short } from "../../base/text.ts";
import { expireLeases, grantLease, openLeases, throttleNow } from "../../store/leases.ts";
import type { BatchResult, Strategy } from "../strategy.ts";
import { type LeaseGranted, undoLease } from "../undo-lease.ts";
import { type Level, predictedLambda, throttleLevel, type ThrottlePlan, unfed } from "./plan.ts";
import { TABLES_A_BATCH, missing, installSome, removeTriggers, notOwned } from "./triggers.ts";

interface ThrottleProgress extends Progress {
  readonly granted: boolean;
  /** Tables that have the triggers. */
  readonly installed: number;
  /** What it waits for, as its last batch left it. */
  readonly waits?: string;
}

const START: ThrottleProgress = { granted: false, installed: 0 };

interface Throttled extends LeaseGranted {
  readonly kind: "throttle";
  /** The level that holds, and the one that it took the place of. */
  readonly details: Level & { readonly previous: Level | null };
}

type ThrottleAction = Action<ThrottlePlan, ThrottleProgress>;

const PARAMS = () => ({
  percent: z.optional(z.number().check(z.gte(1), z.lte(100))),
  mode: z.optional(z.enum(["delay", "reject"])),
  throttle_seconds: z.optional(z.number().check(z.gte(1), z.lte(86_400))),
});

export const throttleIngestion: Strategy<ThrottlePlan, ThrottleProgress, Throttled, typeof PARAMS> =
  {
    name: "throttle_ingestion",
    handles: ["hotspot_congestion", "memory_pressure", "replication_lag"],
    impact: 0.4,
    reversible: true,
    mayWorsen: false,
    description:
      "Holds inserts back by 50 % in stress and 90 % in critical, bulk inserts by 10 points " +
      "more, until its lease is over.",
    params: PARAMS,
    start: START,

    applicable({ limitations }) {
      return limitations.find(({ strategy }) => strategy === "throttle_ingestion") ?? true;
    },

    plan({ host, collection, snapshot, problem, state, params, tick_seconds }) {
      const { settings } = collection;
      const level = throttleLevel(state, params.percent, params.mode, settings);
      if (!level) {
        return {
          nothing: "inserts are throttled in the states stress and critical; the state is normal",
          hint:
            "To throttle all the same: SELECT " +
            `ruvector_healing_execute('${collection.name.replace(/'/g, "''")}', ` +
            `'throttle_ingestion', '{"percent": 50}');`,
        };
      }
      // Whoever names a percentage has other reasons.
      const vain = params.percent === undefined ? unfed(snapshot, problem) : null;
      if (vain) return vain;
      const foreign = notOwned(host, collection.relid);
      if (foreign) return foreign;
      const { tables } = host.one<{ tables: number }>(sql`
      SELECT (SELECT count(*)::int
        FROM ruvector.healing_throttle_tables(${collection.relid}::oid, false))
             + (SELECT count(*)::int
               FROM ruvector.healing_throttle_tables(${collection.relid}::oid, true)) AS tables`);
      return {
        strategy: "throttle_ingestion",
        rows: 0,
        bytes: 0,
        // Two rows of pg_trigger with their index entries and dependencies, in and out again: some
        // 2 KiB a table.
        wal_bytes: 2048 * tables,
        relation_locks: Math.min(tables, TABLES_A_BATCH),
        predicted_lambda: predictedLambda(snapshot, problem.details.class, level, settings),
        estimated_duration_seconds: Math.ceil(
          (2 + Math.ceil(tables / TABLES_A_BATCH)) * tick_seconds + settings.stabilize_seconds,
        ),
        locks: [
          `SHARE ROW EXCLUSIVE on ${collection.name} and each partition for the moment in ` +
            "which its triggers are made; never waited for",
          "ACCESS EXCLUSIVE on each for the moment in which they are removed; never waited for",
        ],
        level,
        throttle_seconds: params.throttle_seconds ?? settings.throttle_seconds,
        tables,
      };
    },

    executeBatch({ host, collection, action }) {
      const { plan, progress } = action;
      if (!progress.granted) return grant(host, action, plan);
      // Triggers that are made now would have no lease that takes them away: it has ended while
      // writers, or a server that was down, held this up.
      if (!openLeases(host, action.id).some(({ kind }) => kind === "throttle_triggers")) {
        throw new HealingError(
          "remedy_refused",
          "the throttle's time was over before it was on everywhere",
          {
            detail:
              `It was granted for ${plan.throttle_seconds} s; ` +
              `${count(missing(host, collection.relid).length, "table")} had no moment without ` +
              "writers in that time.",
            hint: "Give it longer: the setting throttle_seconds.",
          },
        );
      }
      const installed = installSome(
        host,
        collection.relid,
        collection.id,
        collection.settings.slice_seconds,
      );
      const next: ThrottleProgress = { granted: true, installed: progress.installed + installed };
      const left = missing(host, collection.relid);
      if (left.length === 0)
        return { done: true, steps: [], progress: { ...next, done: true, remeasure: true } };
      if (installed > 0) return { done: false, steps: [], progress: next };
      const waits = `waits for a moment without writers on ${count(left.length, "table")}`;
      return { done: false, steps: [], progress: { ...next, waits }, waiting: waits };
    },

    boundTo: ({ level, tables }) => ({
      facts: { level: [`${level.mode}: inserts ${level.insert_pct} %, bulk ${level.bulk_pct} %`] },
      amounts: { tables: { throttled: tables } },
    }),
    preflight: [],

    remeasures: ["partitions", "replicas", "memory"],

    describeStep: ({ details: { insert_pct, bulk_pct, mode } }) =>
      `held inserts back by ${short(insert_pct)} %, bulk inserts by ` +
      `${short(bulk_pct)} % (${mode === "reject" ? "rejected" : "delayed"})`,

    describeProgress: ({ plan, progress: { waits, installed } }) =>
      waits ?? `${installed} of ${count(plan.tables, "table")} throttled`,

    undoStep: ({ host, action }, step) => {
      const undone = undoLease(host, step, action.id, endThrottle);
      // The throttle is off with its lease. Its triggers do nothing any more: that they go may wait
      // for a quiet moment.
      expireLeases(host, action.id, "throttle_triggers");
      return undone;
    },

    endLease: endThrottle,
  };

/** A throttle is off as soon as its lease has ended: the triggers ask the leases. */
function endThrottle(host: Host, lease: Lease): boolean {
  return lease.kind === "throttle_triggers" ? removeTriggers(host, lease) : true;
}

/**
 * Leases first, triggers later: what is installed is never without a lease that ends it. Two,
 * because a throttle ends at once and its triggers when nobody is at work on their tables; the
 * throttle's is the older one and so ends first.
 */
function grant(
  host: Host,
  action: ThrottleAction,
  plan: ThrottlePlan,
): BatchResult<ThrottleProgress, Throttled> {
  // It will hold again when the new one ends before it.
  const previous = throttleNow<Level>(host, action.collection_id);
  const target = { ...plan.level };
  const lease = grantLease(host, action, {
    kind: "throttle",
    target,
    previous: { ...previous },
    seconds: plan.throttle_seconds,
  });
  grantLease(host, action, {
    kind: "throttle_triggers",
    target: {},
    previous: {},
    seconds: plan.throttle_seconds,
  });
  return {
    done: false,
    steps: [{ kind: "throttle", details: { ...target, previous }, rows: 0, journal: [{ lease }] }],
    progress: { granted: true, installed: 0 },
  };
}
