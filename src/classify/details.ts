/**
 * What a problem of each class is about (which nodes, how bad) and the sentence that says it to a
 * person.
 */
import {
  fineOf,
  stressOf,
  type Findings,
  type Finding,
  capitalized,
  verb,
  measured,
  figure,
  highest,
  ranked,
  inverseHealth,
  figures,
} from "./findings.ts";
import type { Metrics, ProblemClass } from "../model/problem.ts";
import type { RecallMetric } from "../model/recall.ts";
import { bytes, compareText, count, list, percent, printable, short } from "../base/text.ts";
import { summarizeWitness } from "./describe.ts";
import { waitingSession } from "./waiting.ts";
import { sickEnds, touched, worstHealth } from "../graph/witness.ts";
import { hotspot } from "./hotspot.ts";
import { recallLoss, SOURCE } from "./recall.ts";

/**
 * `centroid:public.embeddings_idx:12` -> `public.embeddings_idx`; null for ids of an outside
 * monitor's own making.
 */
const indexOf = (id: string): string | null => /^centroid:(.+):\d+$/s.exec(id)?.[1] ?? null;

/**
 * Of the indexes that these centroids belong to, the one whose recall has fallen furthest; null
 * when none was measured.
 */
function worstRecall(
  ids: readonly string[],
  recall: Metrics["recall"],
): { readonly index: string; readonly ratio: number; readonly found: RecallMetric } | null {
  let worst: { index: string; ratio: number; found: RecallMetric } | null = null;
  for (const index of new Set(ids.map(indexOf))) {
    const found =
      index !== null && recall && Object.prototype.hasOwnProperty.call(recall, index)
        ? recall[index]
        : undefined;
    if (index === null || !found) continue;
    const ratio = found.baseline ? found.recall / found.baseline : 1;
    if (worst === null || ratio < worst.ratio) worst = { index, ratio, found };
  }
  return worst;
}

function skew({ weak, metrics, label }: Findings): Finding {
  const occupancy = (id: string): number | null => figure(metrics.centroid_occupancy, id);
  const ids = ranked(sickEnds(weak, "centroid", occupancy), occupancy);
  const factor = highest(ids, occupancy);
  const health = worstHealth(weak, ids);
  const n = ids.length;
  const names = `${verb(n, "centroid", "centroids")} ${list(ids.map(label))}`;
  const nodes = touched(weak, "centroid").size;
  const cut =
    `${count(nodes, "centroid node")} ${verb(nodes, "is", "are")} at weak edges of the minimum ` +
    "cut";
  const worst = worstRecall(ids, metrics.recall);
  const recall =
    worst &&
    `recall@${worst.found.k} of ${printable(worst.index)} is ${figures(worst.found.recall)}, ` +
      `${SOURCE[worst.found.due_from ?? "best"]} ` +
      figures(worst.found.baseline ?? worst.found.recall);
  const full =
    factor === null
      ? `${names} ${verb(n, "keeps", "keep")} ${percent(health)} of ${verb(n, "its", "their")} ` +
        "link capacity (list occupancy not measured)"
      : `${names} ${verb(n, "holds", "hold up to")} ${short(factor)} times the mean list`;
  // An index that is sick as a whole has all its lists at weak edges: then it is the recall that
  // says why.
  const wholly = worst !== null && worst.ratio < fineOf(metrics, "recall") && n > 1;
  const both = recall === null ? full : `${full}, ${recall}`;
  const says = recall !== null && wholly ? recall : both;
  const indexes = [...new Set(ids.map(indexOf))].filter((index): index is string => index !== null);
  return {
    details: {
      class: "centroid_skew",
      centroid_ids: ids,
      skew_factor: factor ?? inverseHealth(health),
      ...(worst && { indexes, recall: worst.found.recall, recall_baseline: worst.found.baseline }),
    },
    summary: `${capitalized(says)}; ${cut}.`,
  };
}

function lag({ weak, metrics, label }: Findings): Finding {
  const links = weak.filter((edge) => edge.type === "replication");
  const seconds = (id: string): number | null => figure(metrics.replication_lag_seconds, id);
  const replicas = [...touched(links, "replication_target")];
  // A pushed graph may link nodes of other types by replication: then the far end stands for the
  // replica.
  const ids = ranked(
    replicas.length > 0 ? replicas : [...new Set(links.map((edge) => edge.to))],
    seconds,
  );
  const worst = highest(ids, seconds);
  const names = `${verb(ids.length, "replica", "replicas")} ${list(ids.map(label))}`;
  const says =
    worst === null
      ? `${names} ${verb(ids.length, "keeps", "keep")} ${percent(worstHealth(links, ids))} of ` +
        "the replication capacity (lag not measured)"
      : `${names} ${verb(ids.length, "lags", "lag up to")} ${short(worst)} s behind`;
  return {
    details: { class: "replication_lag", replica_ids: ids, lag_seconds: worst },
    summary: `${capitalized(says)}.`,
  };
}

type Contention = NonNullable<Metrics["maintenance"]>;

/** "nightly_report", or "index_build (pid 4711)" for what is no job of pg_cron. */
const contender = ({ job, kind, pid }: Contention["blockers"][number]): string =>
  job ?? `${kind} (pid ${pid})`;

/**
 * What contends, by name: what holds somebody up; where nothing does, what waits. A job that failed
 * does neither.
 */
function contenders({ jobs, blockers, sessions }: Contention): readonly string[] {
  const blocking = [
    ...blockers.map(contender),
    ...jobs.filter(({ blocked_recently }) => blocked_recently).map(({ name }) => name),
  ];
  if (blocking.length > 0) return blocking;
  return [
    ...jobs.filter(({ waits }) => waits).map(({ name }) => name),
    ...sessions.filter(waitingSession).map(({ kind, pid }) => `${kind} (pid ${pid})`),
  ];
}

/** "nightly_report (pid 4711) holds up 2 sessions on public.embeddings" */
const holdsUp = (blocker: Contention["blockers"][number]): string =>
  `${printable(blocker.job ?? blocker.kind)} (pid ${blocker.pid}) holds up ` +
  count(blocker.waiting.length, "session") +
  (blocker.relation ? ` on ${printable(blocker.relation)}` : "");

function contention({ weak, metrics, label }: Findings): Finding {
  const links = weak.filter((edge) => edge.type === "dependency");
  const sick = [...new Set(sickEnds(links, "maintenance_dep").map(label))].sort(compareText);
  const known = metrics.maintenance ? contenders(metrics.maintenance) : [];
  const jobs = known.length > 0 ? [...new Set(known)] : sick;
  const depth = measured(metrics.maintenance_queue_depth ?? undefined);
  const blockers = (metrics.maintenance?.blockers ?? []).slice(0, 3).map(holdsUp);
  const who =
    (sick.length > 0 ? `Maintenance contention at ${list(sick)}` : "Maintenance contention") +
    (blockers.length > 0 ? `: ${blockers.join(", ")}` : "");
  const queue = depth === null ? "" : `, ${count(depth, "job")} queued`;
  return {
    details: { class: "maintenance_contention", job_types: jobs, queue_depth: depth },
    summary:
      `${who}${queue}; ${count(links.length, "dependency link")} of the minimum cut ` +
      `${verb(links.length, "is", "are")} weak.`,
  };
}

function memory({ metrics }: Findings): Finding {
  const usage = metrics.memory_usage_pct ?? 0;
  const consumers = metrics.largest_consumers;
  const largest = consumers.reduce<(typeof consumers)[number] | undefined>(
    (best, consumer) => (best === undefined || consumer.bytes > best.bytes ? consumer : best),
    undefined,
  );
  const who = largest
    ? `; the largest consumer is ${printable(largest.name)} (${bytes(largest.bytes)})`
    : "";
  return {
    details: { class: "memory_pressure", current_usage_pct: usage, largest_consumers: consumers },
    summary:
      `Memory use is ${short(usage)} %, above ${short(stressOf(metrics, "memory_pct"))} %` +
      `${who}.`,
  };
}

function fragmentation({ metrics }: Findings): Finding {
  const pct = metrics.index_fragmentation_pct ?? 0;
  const indexes = metrics.fragmented_indexes;
  const which = indexes.length > 0 ? `: ${list(indexes)}` : "";
  return {
    details: { class: "index_fragmentation", index_ids: indexes, fragmentation_pct: pct },
    summary:
      `Index fragmentation is ${short(pct)} %, above ` +
      `${short(stressOf(metrics, "fragmentation_pct"))} %${which}.`,
  };
}

function unknown({ witness, label }: Findings): Finding {
  const text = summarizeWitness(witness, label);
  return { details: { class: "unknown", witness_summary: text }, summary: `${capitalized(text)}.` };
}

/** How to fill in the details of each class, once its rule is met. */
export const DETAILS: Readonly<Record<ProblemClass, (findings: Findings) => Finding>> = {
  hotspot_congestion: hotspot,
  centroid_skew: skew,
  replication_lag: lag,
  maintenance_contention: contention,
  recall_loss: recallLoss,
  memory_pressure: memory,
  index_fragmentation: fragmentation,
  unknown,
};
