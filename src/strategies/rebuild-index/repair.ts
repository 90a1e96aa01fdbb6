/**
 * An INVALID vector index: what an interrupted build left. It is built anew in its place, where the
 * owner lets the loop do so, or somebody asks for it by name.
 */
import { isNamed } from "../../base/names.ts";
import { list, printable } from "../../base/text.ts";
import { whyNoCron } from "../../jobs/cron.ts";
import { statementFor } from "../../store/forecasts.ts";
import type { InvalidIndex } from "../../sense/vector-index.ts";
import type { NothingToDo } from "../strategy.ts";
import { indexFacts } from "../rebuild-centroids/indexes.ts";
import { buildEndedEarly, planOf, type Request } from "../rebuild-centroids/plan.ts";
import type { RebuildPlan, Target } from "../rebuild-centroids/target.ts";

/** What a build takes where none was measured: hnsw with 1,536 dimensions, on two busy cores. */
const ASSUMED_ROWS_PER_SECOND = 500;

/**
 * null: no INVALID index is what this is about.
 * @param asked the index that somebody asked for
 */
export function planRepair(
  request: Request,
  asked: string | undefined,
): RebuildPlan | NothingToDo | null {
  const { host, collection, snapshot, problem } = request;
  const all = snapshot.invalid_indexes.filter(({ index }) =>
    asked === undefined
      ? problem.details.class === "recall_loss" && problem.details.index_ids.includes(index)
      : isNamed(index, asked, collection.schema_name),
  );
  // Two that say the same double what every write costs: nobody but a person asks for that.
  const broken = asked === undefined ? all.filter(({ twin }) => !twin) : all;
  const [first] = broken;
  if (!first) return all[0] ? leftBeside(all) : null;
  if (asked === undefined && !collection.settings.repair_invalid_indexes)
    return {
      nothing:
        `${list(broken.map(({ index }) => printable(index, 200)))} is INVALID, and the loop ` +
        "repairs none by itself (repair_invalid_indexes is off)",
      hint:
        // A part of a partitioned table's index cannot be dropped alone.
        (indexFacts(host, first.oid)?.attached
          ? ""
          : `DROP INDEX CONCURRENTLY ${first.index}; where nobody needs it; else `) +
        `${statementFor(collection.name, "rebuild_index", { index: first.index })} or by hand ` +
        `REINDEX INDEX CONCURRENTLY ${first.index};`,
    };
  const targets = broken.map((one) => targetOf(request, one));
  const out = targets.find((one) => "nothing" in one);
  if (out && "nothing" in out) return out;
  const missing = whyNoCron(host);
  if (missing)
    return {
      nothing: `${missing.reason}: ${missing.detail}`,
      hint: `${missing.hint} Or by hand: REINDEX INDEX CONCURRENTLY ${first.index};`,
    };
  const early = buildEndedEarly(host, targets as Target[]);
  if (early) return early;
  return planOf(request, "rebuild_index", targets as Target[], (some) => ({
    ...snapshot,
    invalid_indexes: snapshot.invalid_indexes.filter(
      ({ index }) => !some.some((one) => one.index === index),
    ),
  }));
}

/** What an interrupted REINDEX CONCURRENTLY left (_ccnew), or a CREATE INDEX typed once more. */
const leftBeside = (all: readonly InvalidIndex[]): NothingToDo => ({
  nothing: list(
    all.map(
      ({ index, twin }) =>
        `${printable(index, 200)} is INVALID, and ${printable(twin!, 200)} says the same`,
    ),
  ),
  hint: all.map(({ index }) => `DROP INDEX CONCURRENTLY ${index};`).join(" "),
});

function targetOf({ host }: Request, one: InvalidIndex): Target | NothingToDo {
  const facts = indexFacts(host, one.oid);
  if (!facts)
    return { nothing: "the index is gone", hint: "The next sample sees what is there now." };
  if (!facts.may)
    return {
      nothing: `role ${facts.role} does not own ${facts.heap} and cannot build indexes on it`,
      hint: `GRANT ${facts.owner} TO ${facts.role};`,
    };
  return {
    index: one.index,
    oid: one.oid,
    heap: facts.heap,
    way: "repair",
    whole: null,
    lists_before: 0,
    lists: [],
    options: [{}],
    rows: one.rows,
    bytes: one.bytes,
    memory_bytes: null,
    recall: null,
    skew: null,
    command: `REINDEX INDEX CONCURRENTLY ${one.index}`,
    build_seconds: Math.ceil(5 + one.rows / ASSUMED_ROWS_PER_SECOND),
  };
}
