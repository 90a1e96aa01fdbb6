/**
 * What is shown and not judged, in words: a figure that stands out and lowers no lambda has to say
 * why.
 */
import type { Metrics, PartitionLoad, UnjudgedReason } from "../model/problem.ts";
import { count, list, printable, short, sqlLiteral, utc } from "../base/text.ts";

const WHY: Readonly<Record<UnjudgedReason, string>> = {
  by_design:
    "its schema makes it as large and as busy as it is, and its rows are not moved; " +
    "judge_partition_load asks for it",
  no_rows_yet: "its bounds lie ahead, it holds no rows yet",
  never_written: "nobody has written to it yet",
  cold: "it is where cold rows go",
  few_rows: "the collection has fewer rows than min_rows_for_load",
  alone: "no other partition shares the load",
};

export const unjudgedText = ({ reason }: Pick<PartitionLoad, "reason">): string =>
  WHY[reason ?? "by_design"];

/** Partitions named in a line. */
const NAMED = 3;

/**
 * "m_202611 has 4.2 times the mean rows, shown and not judged: ..."; none where nothing stands out.
 */
function designed({ partitions, fine }: Metrics): string[] {
  const found = partitions
    .filter(
      ({ judged, reason, load_ratio }) =>
        judged === false &&
        reason === "by_design" &&
        load_ratio > (fine?.partition_load ?? Infinity),
    )
    .sort((a, b) => b.load_ratio - a.load_ratio);
  const [worst] = found;
  if (!worst) return [];
  const others =
    found.length > 1
      ? " (more than is level too: " +
        `${list(found.slice(1, 1 + NAMED).map(({ label }) => printable(label)))})`
      : "";
  return [
    `Shown, not judged: ${printable(worst.label)} has ${short(worst.load_ratio)} times the ` +
      `mean ${worst.hottest ?? "rows"}${others}: ${WHY.by_design}.`,
  ];
}

/** One line of how many hold no rows yet. */
function idle({ partitions }: Metrics): string[] {
  const found = partitions.filter(
    ({ reason }) => reason === "no_rows_yet" || reason === "never_written",
  );
  return found.length === 0
    ? []
    : [
        `${count(found.length, "partition")} in no mean: ` +
          `${found.length === 1 ? "it holds" : "they hold"} no rows yet.`,
      ];
}

/**
 * "3 jobs of pg_cron fail at each run, and hold nobody up: nightly (ERROR: division by zero), ...";
 * null: none does.
 */
export function failingJobs({ maintenance }: Metrics): string | null {
  const found = (maintenance?.jobs ?? []).filter(({ failing }) => failing);
  const all = Math.max(found.length, maintenance?.failing_jobs ?? 0);
  if (all === 0) return null;
  const names = found
    .slice(0, NAMED)
    .map(
      ({ name, last_message }) =>
        `${printable(name)}${last_message ? ` (${printable(last_message.trim(), 120)})` : ""}`,
    );
  const more = all > names.length ? ` and ${all - names.length} more` : "";
  return (
    `${count(all, "job")} of pg_cron failed at ${all === 1 ? "its" : "their"} last run, and ` +
    `${all === 1 ? "holds" : "hold"} nobody up: ${names.join(", ")}${more}`
  );
}

/**
 * "Unused: no search has used public.i since 2026-11-28T14:00:00Z, while its table was read from
 * end to end 412 times: ..."
 */
const unused = ({ unused_indexes }: Metrics): string[] =>
  (unused_indexes ?? [])
    .slice(0, NAMED)
    .map(
      ({ index, since, read_through, reason, hint }) =>
        `Unused: no search has used ${printable(index)} since ${utc(since)}, while its table was ` +
        `read from end to end ${count(Math.floor(read_through), "time")}: ${reason}. ${hint}`,
    );

/**
 * "public.i is INVALID as a whole: 2 of 8 partitions have no part of it (p_1, p_2), searches there
 * go without; the parts of the others are used. CREATE INDEX ..."
 */
const incomplete = ({ incomplete_indexes }: Metrics): string[] =>
  (incomplete_indexes ?? [])
    .slice(0, NAMED)
    .map(({ index, partitions, lacking, named, statements, more }) => {
      const more_named = lacking > named.length ? `, and ${lacking - named.length} more` : "";
      const what =
        lacking === 0
          ? "searches use the parts that its partitions have"
          : `${lacking} of ${count(partitions, "partition")} ` +
            `${lacking === 1 ? "has" : "have"} no part of it ` +
            `(${named.map((name) => printable(name)).join(", ")}${more_named}), searches there ` +
            "go without; the parts of the others are used";
      const rest = more === 0 ? "" : ` And so for ${count(more, "more partition")}.`;
      return (
        `${printable(index)} is INVALID as a whole: ${what}. ` +
        `${statements.map((one) => printable(one, 600)).join(" ")}${rest}`
      );
    });

/** Fewer are no cause of lost recall; so does vacuum_index see it. */
const DEAD_SHARE = 0.05;

/**
 * "public.i has 7500 dead rows beside 1500 live ones, last vacuum 2026-11-28T14:00:00Z; a vacuum
 * runs: vacuuming indexes (1 of 3)."
 */
const vacuum = ({ recall }: Metrics): string[] =>
  Object.entries(recall ?? {})
    .filter(
      ([, { dead_rows = 0, live_rows = 0, vacuum: runs }]) =>
        runs != null || dead_rows > DEAD_SHARE * Math.max(1, live_rows),
    )
    .sort(([, a], [, b]) => (b.dead_rows ?? 0) - (a.dead_rows ?? 0))
    .slice(0, NAMED)
    .map(([index, { dead_rows = 0, live_rows = 0, last_vacuum, vacuum: runs }]) => {
      const last = last_vacuum == null ? "no vacuum known" : `last vacuum ${utc(last_vacuum)}`;
      return (
        `The table of ${printable(index)} has ${short(dead_rows)} dead rows beside ` +
        `${short(live_rows)} live ones, ${last}` +
        `${runs == null ? "" : `; a vacuum runs: ${printable(runs)}`}.`
      );
    });

/** Few are content with less; what is all that is due lowers no lambda all the same. */
const LOW_RECALL = 0.8;

/**
 * "Shown, not judged: searches by public.i find 39 % of the nearest 10, ..."; none where that is
 * less than what is due, which is judged.
 */
const findsLittle = ({ recall, fine }: Metrics, name: string): string[] =>
  Object.entries(recall ?? {})
    .filter(
      ([, one]) =>
        one.recall < LOW_RECALL &&
        one.due_from !== "target" &&
        one.baseline !== null &&
        one.recall >= (fine?.recall ?? 1) * one.baseline,
    )
    .sort(([, a], [, b]) => a.recall - b.recall)
    .slice(0, NAMED)
    .map(
      ([index, { recall: found, k, probes }]) =>
        `Shown, not judged: searches by ${printable(index)} find ` +
        `${short(100 * found)} % of the nearest ${k} at the ${probes} that they look at ` +
        "(hnsw.ef_search, ivfflat.probes). That is due of it: the best it had, or what a fresh " +
        "build finds. To have it judged by what you ask for: SELECT ruvector_healing_configure(" +
        `'{"recall_target": 0.95}', ${sqlLiteral(name)});`,
    );

/**
 * What a person should know of the figures that stand out and lower no lambda.
 * @param name the collection's, as it is typed
 */
export function shownOnly(metrics: Metrics, name: string): string[] {
  const jobs = failingJobs(metrics);
  return [
    ...designed(metrics),
    ...idle(metrics),
    ...incomplete(metrics),
    ...unused(metrics),
    ...vacuum(metrics),
    ...findsLittle(metrics, name),
    ...(jobs ? [`${jobs}.`] : []),
  ];
}
