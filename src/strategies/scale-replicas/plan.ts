/** What scale_replicas foresees, and why it has nothing to do. */
import type { Configuration } from "../../model/configuration.ts";
import type { Plan } from "../../model/action.ts";
import type { Collection } from "../../model/collection.ts";
import { count, printable } from "../../base/text.ts";
import { assess } from "../../sense/assess.ts";
import { JUDGED_FROM } from "../../sense/collect/partitions.ts";
import type { Snapshot } from "../../sense/snapshot.ts";
import type { NothingToDo } from "../strategy.ts";
import type { ActuatorReport } from "../../store/actuations.ts";

export interface ScalePlan extends Plan {
  readonly workload: string;
  readonly replicas_before: number;
  readonly replicas_after: number;
  readonly actuator: string;
  readonly note: string;
}

/** As the document has it: half as many again. */
export const GROWTH = 1.5;

export const NOTE =
  "Replicas take reads off this server; they move no rows, and the reads that stay are " +
  "spread over the partitions as before. " +
  "Lambda is foreseen to rise only where the reads that stay are fewer than what is judged " +
  "in full (min_reads_per_second). " +
  "The replicas stay if lambda has risen enough when it is verified, and are taken back if not.";

/**
 * Lambda if this server and its replicas share the reads evenly. Partition load is relative: what
 * all partitions lose alike changes none. As the sensor has it (activity/follow.ts), traffic below
 * min_reads_per_second counts by so much less, and below half of that not at all. By the rates of
 * now: smoothed over the whole window a rate on its way up is far too low, and so would be what is
 * foreseen to be left (0.86 foreseen, 0.38 reached).
 */
export function foreseen(
  snapshot: Snapshot,
  settings: Configuration,
  replicas: number,
  wanted: number,
): number | null {
  const least = settings.min_reads_per_second;
  const reads = snapshot.partitions.reduce(
    (sum, { cold, traffic }) => sum + (cold ? 0 : (traffic?.recent_reads_per_second ?? 0)),
    0,
  );
  const left = reads * ((1 + replicas) / (1 + wanted));
  const weight = (rate: number): number => (least > 0 ? Math.min(1, rate / least) : 1);
  const kept = reads > 0 ? weight(left) / weight(reads) : 1;
  const after: Snapshot = {
    ...snapshot,
    partitions: snapshot.partitions.map((partition) => {
      const { traffic } = partition;
      if (traffic?.reads == null) return partition;
      return {
        ...partition,
        traffic: { ...traffic, reads: left > least * JUDGED_FROM ? traffic.reads ** kept : null },
      };
    }),
  };
  return assess(after, settings).reading.lambda;
}

export const nobody = (workload: string): NothingToDo => ({
  nothing: `no actuator has ever reported workload ${printable(workload)}`,
  hint:
    "Start one that serves it: it calls ruvector_healing_actuator_report('<actuator>', " +
    `'{"workload": "${printable(workload)}", "replicas": 2}').`,
});

export function unserved(
  workload: string,
  report: ActuatorReport | null,
  within: number,
): NothingToDo | null {
  if (!report) return nobody(workload);
  if (report.seconds_ago <= within) return null;
  return {
    nothing:
      `actuator ${printable(report.actuator)} has not reported ${printable(workload)} for ` +
      `${Math.round(report.seconds_ago)} s`,
    hint: `Look after it: it has to report at least every ${within} s (actuator_report_seconds).`,
  };
}

export function full(
  { settings, name }: Collection,
  report: ActuatorReport,
  cap: number,
): NothingToDo {
  const workload = printable(settings.scale_workload);
  if (report.replicas === 0)
    return {
      nothing: `${workload} is scaled to 0: half as many again is none`,
      hint: "Scale it to 1 by hand first.",
    };
  const whose =
    report.max_replicas !== null && report.max_replicas < settings.max_replicas
      ? `the actuator's max_replicas`
      : "max_replicas";
  return {
    nothing: `${workload} has ${count(report.replicas, "replica")}, ${whose} is ${cap}`,
    hint:
      whose === "max_replicas"
        ? `SELECT ruvector_healing_configure('{"max_replicas": ${cap + 5}}', ` +
          `'${name.replace(/'/g, "''")}'); allows more.`
        : "The actuator's own limit has to be raised.",
  };
}
