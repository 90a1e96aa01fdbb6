/** Which vector indexes find less than they should, by how much, and at what cost. */
import type { DueSource, RecallMetric, SearchMetric } from "../model/recall.ts";
import { list, percent, printable, short } from "../base/text.ts";
import type { Metrics } from "../model/problem.ts";
import { nameOf } from "../graph/labels.ts";
import { touched, worstHealth } from "../graph/witness.ts";
import { type Finding, type Findings, figures, verb } from "./findings.ts";

/** Why a recall is the one that is due. */
export const SOURCE: Readonly<Record<DueSource, string>> = {
  target: "the recall_target is",
  best: "at best it was",
  fresh_build: "a fresh build on the same rows attains",
};

interface Lost {
  readonly index: string;
  readonly found: RecallMetric | null;
  /** The search with a filter that lost more than those without one. */
  readonly search: SearchMetric | null;
  readonly ratio: number;
}

const share = (recall: number | null, due: number | null | undefined): number =>
  due && recall !== null ? recall / due : 1;

/** Of the searches that take an index, the one that finds the least of what is due. */
const worstSearch = (index: string, { filtered_searches }: Metrics): SearchMetric | null =>
  [...(filtered_searches ?? [])]
    .filter(({ indexes }) => indexes.includes(index))
    .sort((a, b) => share(a.recall, a.due) - share(b.recall, b.due))[0] ?? null;

/** Likewise of what searches cost, where that is what is wrong with an index. */
const cheapness = ({ blocks, due_blocks }: RecallMetric): number =>
  blocks && due_blocks ? due_blocks / blocks : 1;

/** Of the indexes at weak edges, those measured first, the worst before the others. */
function lost({ weak, metrics }: Findings): readonly Lost[] {
  return [...touched(weak, "vector_index")]
    .map((id): Lost => {
      const index = nameOf(id);
      const known = metrics.recall ?? {};
      const found = Object.prototype.hasOwnProperty.call(known, index) ? known[index]! : null;
      const recalled = found?.baseline ? found.recall / found.baseline : 0;
      const own = found ? Math.min(recalled, cheapness(found)) : recalled;
      const search = worstSearch(index, metrics);
      const filtered = search === null ? 1 : share(search.recall, search.due);
      return filtered < (found ? own : 1)
        ? { index, found, search, ratio: filtered }
        : { index, found, search: null, ratio: own };
    })
    .sort((a, b) => a.ratio - b.ratio || (a.index < b.index ? -1 : 1));
}

/** "recall@10 of public.i is 0.38, at best it was 1 (310 blocks a search at 40)" */
function told({ index, found, search }: Lost): string {
  if (search) return searchTold(index, search);
  if (!found) return `${printable(index, 200)} is not whole`;
  const due = `${SOURCE[found.due_from ?? "best"]} ${figures(found.baseline ?? found.recall)}`;
  if (found.blocks != null && found.due_blocks !== undefined)
    return (
      `Searches by ${printable(index, 200)} read ${short(found.blocks)} blocks each at ` +
      `${found.probes}, those by a fresh index ${short(found.due_blocks)} (recall@${found.k} is ` +
      `${figures(found.recall)}, ${due})`
    );
  const cost =
    found.blocks == null ? "" : ` (${short(found.blocks)} blocks a search at ${found.probes})`;
  return `Recall@${found.k} of ${printable(index, 200)} is ${figures(found.recall)}, ${due}${cost}`;
}

/** A tenth fewer than there are: more, and the rows that are returned are the wrong ones. */
const FEWER = 0.9;

/** "hnsw.ef_search 40, hnsw.iterative_scan off" */
const inEffect = (settings: SearchMetric["settings"]): string =>
  Object.entries(settings)
    .filter(([name]) => /\.(ef_search|probes|iterative_scan)$/.test(name))
    .map(([name, value]) => `${name} ${value}`)
    .join(", ");

/** "Searches WHERE tenant_id = 7 return 3 of 10 rows by public.i (hnsw.ef_search 40, ...)" */
function searchTold(index: string, found: SearchMetric): string {
  const { search, k, recall, due, returned, asked, settings } = found;
  const few = returned !== null && asked !== null && returned < FEWER * asked;
  const gets = few
    ? `return ${short(returned)} of ${short(asked)} rows`
    : `find ${figures(recall ?? 0)} of their nearest ${k} rows, ${figures(due ?? 1)} is due`;
  const by = `${printable(index, 200)} (${inEffect(settings)})`;
  return `Searches WHERE ${printable(search, 200)} ${gets} by ${by}`;
}

function saying(findings: Findings, all: readonly Lost[], broken: readonly Lost[]): string {
  const names = (some: readonly Lost[]): string =>
    list(some.map(({ index }) => printable(index, 200)));
  if (broken.length > 0) {
    const them = verb(broken.length, "it", "them");
    return (
      `${names(broken)} ${verb(broken.length, "is", "are")} INVALID: no search uses ${them}, and ` +
      `every write keeps ${them}`
    );
  }
  const [worst] = all;
  if (worst?.found || worst?.search) return told(worst);
  const ids = [...touched(findings.weak, "vector_index")];
  return (
    `Vector ${verb(all.length, "index", "indexes")} ${names(all)} ` +
    `${verb(all.length, "keeps", "keep")} ${percent(worstHealth(findings.weak, ids))} of what ` +
    `${verb(all.length, "it", "they")} should find (recall not measured)`
  );
}

/** What the details of a problem say of a search. */
const asMetric = ({ recall, due, blocks, ms }: SearchMetric) => ({
  recall,
  baseline: due,
  due_from: null,
  blocks,
  ms,
});

export function recallLoss(findings: Findings): Finding {
  const all = lost(findings);
  const invalid = findings.metrics.invalid_indexes ?? [];
  const [worst] = all;
  const broken = all.filter(({ index }) => invalid.includes(index));
  const says = saying(findings, all, broken);
  const more = all.length - 1;
  const others =
    more > 0 && broken.length === 0 ? `; ${more} more ${verb(more, "index", "indexes")}` : "";
  const dueBlocks = worst?.search ? undefined : worst?.found?.due_blocks;
  const found = worst?.search ? asMetric(worst.search) : (worst?.found ?? null);
  return {
    details: {
      class: "recall_loss",
      index_ids: all.map(({ index }) => index),
      recall: found?.recall ?? null,
      due: found?.baseline ?? null,
      due_from: found?.due_from ?? null,
      blocks: found?.blocks ?? null,
      ms: found?.ms ?? null,
      ...(dueBlocks !== undefined && { due_blocks: dueBlocks }),
      ...(worst?.search && { search: worst.search.search }),
    },
    summary: `${says}${others}.`,
  };
}
