/** What is not known of a vector index, and what to type. Pure. */
import { configure } from "../../base/text.ts";
import type { Collection } from "../../model/collection.ts";
import type { Unmeasured } from "../../model/measured.ts";
import { pushHint } from "./gap.ts";
import type { Kept } from "./kept-index.ts";
import { untoldSkew } from "./trial.ts";

interface GapIndex {
  readonly index: string;
  readonly method: "ivfflat" | "hnsw";
  readonly lists: number;
  readonly filled: boolean;
}

const NO_ROWS = {
  why: "when it was measured there were no two rows in it to search for",
  hint:
    "A partial index has the rows that match its condition, one by cosine none that are all " +
    "zeros. It is measured again every " +
    "recall_interval_seconds; by hand: ruvector_healing_recall().",
};

/** A trial that had no time is made again with the next measurements. */
export const moreTime = ({ name, settings }: Pick<Collection, "name" | "settings">): string => {
  const more = { recall_trial_ms: Math.min(5 * settings.recall_trial_ms, 600_000) };
  return (
    `${configure(JSON.stringify(more), name)} gives it more time; ` +
    "it is tried again in any case."
  );
};

/** What is not known of an index. */
export function gaps(
  { index, method, lists, filled }: GapIndex,
  kept: Kept | undefined,
  collection: Pick<Collection, "name" | "settings">,
): Unmeasured[] {
  if (!kept?.measured) {
    return [
      {
        what: `recall of ${index}`,
        why:
          kept?.why ??
          "its turn has not come yet: the indexes measured before it took the time there is " +
            "(recall_budget_ms)",
        hint:
          kept?.hint ??
          (kept?.why === undefined
            ? "Its turn comes; by hand: ruvector_healing_recall()."
            : "Where another index serves the same searches, one of the two is enough."),
      },
    ];
  }
  const { measured, untried, doubted } = kept;
  const untold: Unmeasured[] = [];
  // Of an empty table nothing is to be known; partitions are made months ahead.
  if (measured.recall === null && filled) untold.push({ what: `recall of ${index}`, ...NO_ROWS });
  if (doubted) untold.push({ what: `recall of ${index} now`, ...doubted });
  if (untried?.hint !== undefined)
    untold.push({
      what: `what a fresh build of ${index} attains`,
      why: untried.why,
      hint: untried.hint,
    });
  const skew = untoldSkew(kept, collection.settings);
  if (skew !== null)
    untold.push({
      what: `how full a fresh build leaves the lists of ${index}`,
      why:
        `${untried!.why}; until it is known, its fullest list, of ${skew.toFixed(1)} times the ` +
        "mean, is not judged",
      hint: moreTime(collection),
    });
  if (method !== "ivfflat" || measured.rows === 0) return untold;
  const seen = measured.lists?.rows.length ?? 0;
  if (seen >= lists) return untold;
  return [
    ...untold,
    {
      what: `centroid occupancy of ${index}`,
      why:
        `sampled rows lie in ${seen} of its ${lists} lists; only pageinspect, for a superuser ` +
        "and up to exact_count_pages, shows all",
      hint: pushHint("centroid_occupancy"),
    },
  ];
}
