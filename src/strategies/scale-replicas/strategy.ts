/**
 * scale_replicas: asks the actuator for half as many replicas again, and for the previous number
 * when that did not help.
 */
import type { Configuration } from "../../model/configuration.ts";
import type { Host } from "../../host/host.ts";
import { HealingError } from "../../base/errors.ts";
import type { Action, Plan, Progress, UndoResult } from "../../model/action.ts";
import type { Collection } from "../../model/collection.ts";
import { count, printable } from "../../base/text.ts";
import { assess } from "../../sense/assess.ts";
import { JUDGED_FROM } from "../../sense/collect/partitions.ts";
import type { Snapshot } from "../../sense/snapshot.ts";
import { recordActionEvent } from "../../store/actions.ts";
import type { NothingToDo, Strategy } from "../strategy.ts";
import {
  actuation,
  type Actuation,
  type ActuatorReport,
  lastReport,
  openRequest,
  requestScaling,
  settle,
} from "./requests.ts";

export interface ScalePlan extends Plan {
  readonly workload: string;
  readonly replicas_before: number;
  readonly replicas_after: number;
  readonly actuator: string;
  readonly note: string;
}

interface ScaleProgress extends Progress {
  /** The request. */
  readonly actuation?: string;
}

/**
 * What the undo of the step needs: the request, and the one that takes it back, once there is one.
 */
interface Entry {
  readonly actuation: string;
  readonly undo?: string;
}

interface Scaled {
  readonly kind: "scale";
  readonly details: { readonly workload: string; readonly from: number; readonly to: number };
  readonly journal: readonly Entry[];
}

/** As the document has it: half as many again. */
const GROWTH = 1.5;

/** Seconds before an undo that the actuator could not carry out is asked for again. */
const UNDO_RETRY_SECONDS = 30;

const NOTE =
  "Replicas take reads off this server; they move no rows, and the reads that stay are " +
  "spread over the partitions as before. " +
  "Lambda is foreseen to rise only where the reads that stay are fewer than what is judged " +
  "in full (min_reads_per_second). " +
  "The replicas stay if lambda has risen enough when it is verified, and are taken back if not.";

export const scaleReplicas: Strategy<ScalePlan, ScaleProgress, Scaled> = {
  name: "scale_replicas",
  handles: ["hotspot_congestion"],
  impact: 0.2,
  reversible: true,
  // What lambda loses while the actuator is waited for is the load that goes on rising.
  mayWorsen: false,
  description:
    "Asks the actuator outside the database for half as many read replicas again, up to " +
    "max_replicas.",
  params: {},
  start: {},

  applicable({ name, settings }) {
    if (settings.scale_workload !== "") return true;
    return {
      reason: "no workload is named whose replicas could be scaled (scale_workload)",
      hint:
        `SELECT ruvector_healing_configure('{"scale_workload": ` +
        `"deployment/<namespace>/<name>"}', '${name.replace(/'/g, "''")}');`,
    };
  },

  plan({ host, collection, snapshot, tick_seconds }) {
    const { settings } = collection;
    const workload = settings.scale_workload;
    const report = lastReport(host, workload);
    const gone = unserved(workload, report, settings.actuator_report_seconds);
    if (gone || !report) return gone ?? nobody(workload);
    const open = openRequest(host, workload);
    if (open !== null)
      return {
        nothing: `request ${open} for ${printable(workload)} is still open`,
        hint: "Its answer, or its deadline, ends it.",
      };
    const cap = Math.min(settings.max_replicas, report.max_replicas ?? settings.max_replicas);
    const wanted = Math.min(Math.ceil(report.replicas * GROWTH), cap);
    if (wanted <= report.replicas) return full(collection, report, cap);
    return {
      strategy: "scale_replicas",
      rows: 0,
      bytes: 0,
      wal_bytes: 0,
      relation_locks: 0,
      workload,
      replicas_before: report.replicas,
      replicas_after: wanted,
      actuator: report.actuator,
      note: NOTE,
      predicted_lambda: foreseen(snapshot, settings, report.replicas, wanted),
      // An answer may take as long as it is waited for; a tick each to ask and to see it.
      estimated_duration_seconds: Math.ceil(
        settings.actuation_timeout_seconds + 2 * tick_seconds + settings.stabilize_seconds,
      ),
      locks: [`none on ${collection.name}; one row of ruvector.healing_actuations`],
    };
  },

  executeBatch({ host, collection, action }) {
    const { workload, replicas_before: previous, replicas_after: replicas } = action.plan;
    const { progress } = action;
    const waiting =
      `waits for the actuator to scale ${printable(workload)} from ${previous} to ` +
      `${count(replicas, "replica")}`;
    if (progress.actuation === undefined) {
      const id = requestScaling(
        host,
        action,
        { workload, replicas, previous },
        collection.settings.actuation_timeout_seconds,
      );
      const entry: Entry = { actuation: id };
      return {
        done: false,
        steps: [
          {
            kind: "scale",
            details: { workload, from: previous, to: replicas },
            rows: 0,
            journal: [entry],
          },
        ],
        progress: { ...progress, actuation: id },
        waiting,
      };
    }
    const request = actuation(host, progress.actuation);
    if (request?.state === "succeeded")
      return { done: true, steps: [], progress: { ...progress, done: true } };
    if (request && isOpen(request)) {
      return {
        done: false,
        steps: [],
        progress,
        waiting:
          request.taken_by === null
            ? waiting
            : `${waiting} (${printable(request.taken_by)} is at it)`,
      };
    }
    throw failure(workload, request);
  },

  undoStep({ host, collection, action }, { details: { workload, from, to }, journal }) {
    const entry = journal[0]!;
    const seconds = collection.settings.actuation_timeout_seconds;
    const takeBack = (): UndoResult<Entry> =>
      open({
        ...entry,
        undo: requestScaling(host, action, { workload, replicas: from, previous: to }, seconds),
      });
    if (entry.undo === undefined) {
      const change = ended(host, entry.actuation);
      if (change === "open") return open(entry);
      if (change === "untouched") return CLOSED;
      const now = lastReport(host, workload, entry.actuation);
      // Whoever did not answer in time may still be about to scale: the request to take it back
      // stands behind that.
      if (now?.replicas === from && change === "answered") return CLOSED;
      if (now && now.replicas !== from && now.replicas !== to)
        return leaveAlone(host, action, workload, now.replicas, from, to, now);
      return takeBack();
    }
    const request = actuation(host, entry.undo);
    if (request?.state === "succeeded") return CLOSED;
    // The actuator looks once more before it scales, and sees what was done since its last report.
    const found =
      request?.state === "failed" && request.answer?.["left_alone"] === true
        ? request.answer["replicas"]
        : null;
    if (request && typeof found === "number")
      return leaveAlone(host, action, workload, found, from, to, request);
    if (request && isOpen(request)) return open(entry);
    if (request && request.overdue) settle(host, request.id);
    return request && request.ended_seconds_ago < UNDO_RETRY_SECONDS ? open(entry) : takeBack();
  },

  preflight: [],

  // Replicas change what is read where; they show in the counters of every sample.
  boundTo: ({ workload, replicas_before, replicas_after }) => ({
    facts: { workload: [workload], replicas: [`${replicas_before} to ${replicas_after}`] },
    amounts: {},
  }),

  remeasures: ["partitions", "replicas"],

  describeStep: ({ details: { workload, from, to } }) =>
    `asked for ${to} replicas of ${workload} instead of ${from}`,

  describeProgress: ({ message, progress }) =>
    progress.done ? "the actuator has scaled" : (message ?? "asked the actuator"),

  describeConflicts: () =>
    "its replicas are left as they are: somebody else scaled the workload meanwhile",
};

/**
 * Lambda if this server and its replicas share the reads evenly. Partition load is relative: what
 * all partitions lose alike changes none. As the sensor has it (activity/follow.ts), traffic below
 * min_reads_per_second counts by so much less, and below half of that not at all. By the rates of
 * now: smoothed over the whole window a rate on its way up is far too low, and so would be what is
 * foreseen to be left (0.86 foreseen, 0.38 reached).
 */
function foreseen(
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

/** The count that somebody else set stays. */
function leaveAlone(
  host: Host,
  action: Action,
  workload: string,
  found: number,
  from: number,
  to: number,
  details: object,
): UndoResult<never> {
  recordActionEvent(
    host,
    action,
    "left_alone",
    `${workload} has ${count(found, "replica")}, neither ${from} nor ${to}: somebody else ` +
      "scaled it meanwhile",
    { ...details },
  );
  return { ...CLOSED, conflicts: 1 };
}

const CLOSED: UndoResult<never> = { remaining: [], undone: 0, gone: 0, conflicts: 0 };

const open = (entry: Entry): UndoResult<Entry> => ({ ...CLOSED, remaining: [entry] });

const isOpen = ({ state, overdue }: Actuation): boolean =>
  (state === "requested" || state === "taken") && !overdue;

/**
 * Brings a request to its end: `open` while the actuator is at it, `untouched` where it never
 * began, else whether it was answered.
 */
function ended(host: Host, id: string): "open" | "untouched" | "answered" | "unanswered" {
  const before = actuation(host, id);
  if (before && (before.state === "requested" || before.state === "taken") && !settle(host, id))
    return "open";
  const now = actuation(host, id);
  if (now?.state === "taken") return "open";
  if (now && now.taken_by === null) return "untouched";
  return now?.state === "succeeded" || now?.state === "failed" ? "answered" : "unanswered";
}

/** Why a request did not lead to what was asked for. */
function failure(workload: string, request: Actuation | null): HealingError {
  const said = request?.answer?.["error"];
  const why =
    request === null
      ? "the request is gone"
      : request.state === "failed"
        ? "the actuator could not: " +
          `${typeof said === "string" ? printable(said, 200) : "it did not say why"}`
        : request.state === "cancelled"
          ? "the request was cancelled"
          : request.taken_by === null
            ? "no actuator took the request in time"
            : `${printable(request.taken_by)} did not answer in time`;
  const answer = request?.answer ? `: ${JSON.stringify(request.answer).slice(0, 500)}` : "";
  return new HealingError("actuation_failed", `${printable(workload)} was not scaled: ${why}`, {
    ...(request && { detail: `Request ${request.id} is ${request.state}${answer}.` }),
    hint: "SELECT * FROM ruvector.healing_actuations ORDER BY id DESC;",
  });
}

const nobody = (workload: string): NothingToDo => ({
  nothing: `no actuator has ever reported workload ${printable(workload)}`,
  hint:
    "Start one that serves it: it calls ruvector_healing_actuator_report('<actuator>', " +
    `'{"workload": "${printable(workload)}", "replicas": 2}').`,
});

function unserved(
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

function full({ settings, name }: Collection, report: ActuatorReport, cap: number): NothingToDo {
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
