/** Which vector indexes find less than they should, by how much, and at what cost. */
import type { DueSource, RecallMetric } from "../model/recall.ts";
import { list, percent, printable, short } from "../base/text.ts";
import { nameOf } from "../graph/labels.ts";
import { touched, worstHealth } from "../graph/witness.ts";
import { type Finding, type Findings, figures, verb } from "./findings.ts";

/** Why a recall is the one that is due. */
const SOURCE: Readonly<Record<DueSource, string>> = {
  target: "the recall_target is",
  best: "at best it was",
  fresh_build: "a fresh build on the same rows attains",
};

interface Lost {
  readonly index: string;
  readonly found: RecallMetric | null;
  readonly ratio: number;
}

/** Of the indexes at weak edges, those measured first, the worst before the others. */
function lost({ weak, metrics }: Findings): readonly Lost[] {
  return [...touched(weak, "vector_index")]
    .map((id): Lost => {
      const index = nameOf(id);
      const known = metrics.recall ?? {};
      const found = Object.prototype.hasOwnProperty.call(known, index) ? known[index]! : null;
      return { index, found, ratio: found?.baseline ? found.recall / found.baseline : 0 };
    })
    .sort((a, b) => a.ratio - b.ratio || (a.index < b.index ? -1 : 1));
}

/** "recall@10 of public.i is 0.38, at best it was 1 (310 blocks a search at 40)" */
function told({ index, found }: Lost): string {
  if (!found) return `${printable(index, 200)} is not whole`;
  const due = `${SOURCE[found.due_from ?? "best"]} ${figures(found.baseline ?? found.recall)}`;
  const cost =
    found.blocks == null ? "" : ` (${short(found.blocks)} blocks a search at ${found.probes})`;
  return `Recall@${found.k} of ${printable(index, 200)} is ${figures(found.recall)}, ${due}${cost}`;
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
  if (worst?.found) return told(worst);
  const ids = [...touched(findings.weak, "vector_index")];
  return (
    `Vector ${verb(all.length, "index", "indexes")} ${names(all)} ` +
    `${verb(all.length, "keeps", "keep")} ${percent(worstHealth(findings.weak, ids))} of what ` +
    `${verb(all.length, "it", "they")} should find (recall not measured)`
  );
}

export function recallLoss(findings: Findings): Finding {
  const all = lost(findings);
  const invalid = findings.metrics.invalid_indexes ?? [];
  const [worst] = all;
  const broken = all.filter(({ index }) => invalid.includes(index));
  const says = saying(findings, all, broken);
  const more = all.length - 1;
  const others =
    more > 0 && broken.length === 0 ? `; ${more} more ${verb(more, "index", "indexes")}` : "";
  const found = worst?.found ?? null;
  return {
    details: {
      class: "recall_loss",
      index_ids: all.map(({ index }) => index),
      recall: found?.recall ?? null,
      due: found?.baseline ?? null,
      due_from: found?.due_from ?? null,
      blocks: found?.blocks ?? null,
      ms: found?.ms ?? null,
    },
    summary: `${says}${others}.`,
  };
}
