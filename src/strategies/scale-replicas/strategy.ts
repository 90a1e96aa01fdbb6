/**
 * scale_replicas: asks the actuator for half as many replicas again, and for the previous number
 * when that did not help.
 */
import type { Host } from "../../host/host.ts";
import { HealingError } from "../../base/errors.ts";
import type { Action, Progress, UndoResult } from "../../model/action.ts";
import { count, printable } from "../../base/text.ts";
import { recordActionEvent } from "../../store/actions.ts";
import type { Strategy } from "../strategy.ts";
import {
  actuation,
  type Actuation,
  lastReport,
  openRequest,
  requestScaling,
  settle,
} from "../../store/actuations.ts";
import { type ScalePlan, GROWTH, NOTE, foreseen, nobody, unserved, full } from "./plan.ts";

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

/** Seconds before an undo that the actuator could not carry out is asked for again. */
const UNDO_RETRY_SECONDS = 30;

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
  params: () => ({}),
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

  undoStep({ host, collection, action }, { details, journal }) {
    const { workload, from, to } = details;
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
        return leaveAlone(host, action, details, { replicas: now.replicas, from: now });
      return takeBack();
    }
    const request = actuation(host, entry.undo);
    if (request?.state === "succeeded") return CLOSED;
    // The actuator looks once more before it scales, and sees what was done since its last report.
    const found =
      request?.state === "failed" && request.answer?.["left_alone"] === true
        ? request.answer["replicas"]
        : null;
    if (found === from) return CLOSED;
    // The count to be taken back is nobody else's: it is asked for again.
    if (request && typeof found === "number" && found !== to)
      return leaveAlone(host, action, details, { replicas: found, from: request });
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

/** The count that somebody else set stays. */
function leaveAlone(
  host: Host,
  action: Action,
  { workload, from, to }: Scaled["details"],
  found: { readonly replicas: number; readonly from: object },
): UndoResult<never> {
  recordActionEvent(
    host,
    action,
    "left_alone",
    `${workload} has ${count(found.replicas, "replica")}, neither ${from} nor ${to}: somebody ` +
      "else scaled it meanwhile",
    { ...found.from },
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

function whyNotScaled(request: Actuation | null): string {
  if (request === null) return "the request is gone";
  if (request.state === "failed") {
    const said = request.answer?.["error"];
    const why = typeof said === "string" ? printable(said, 200) : "it did not say why";
    return `the actuator could not: ${why}`;
  }
  if (request.state === "cancelled") return "the request was cancelled";
  return request.taken_by === null
    ? "no actuator took the request in time"
    : `${printable(request.taken_by)} did not answer in time`;
}

/** Why a request did not lead to what was asked for. */
function failure(workload: string, request: Actuation | null): HealingError {
  const why = whyNotScaled(request);
  const answer = request?.answer ? `: ${JSON.stringify(request.answer).slice(0, 500)}` : "";
  return new HealingError("actuation_failed", `${printable(workload)} was not scaled: ${why}`, {
    ...(request && { detail: `Request ${request.id} is ${request.state}${answer}.` }),
    hint: "SELECT * FROM ruvector.healing_actuations ORDER BY id DESC;",
  });
}
