/** How full the lists of an IVF index are, as far as another build could change it. Pure. */
import type { CentroidGroup, IndexMeasurement } from "./vector-index.ts";

/** An index that most of its rows were there before is as its build left it. */
export const FEW_YOUNGER = 0.1;

/**
 * Rows of each list that another build could put elsewhere. Equal vectors lie in one list whatever
 * is built: a list of them is shown, and not judged. The largest group lies in the fullest list, or
 * that is fuller yet; the next in another one, where it could be: 50 groups in one list of 60 were
 * all held for rows that have to be there.
 */
export function splittableRows(lists: IndexMeasurement["lists"]): readonly number[] {
  const rows = lists?.rows ?? [];
  const fullestFirst = [...rows.keys()].sort((a, b) => rows[b]! - rows[a]!);
  const could = [...rows];
  const groups = [...(lists?.equal ?? [])].sort((a, b) => b - a);
  for (const [turn, group] of groups.slice(0, rows.length).entries()) {
    const list = fullestFirst[turn]!;
    could[list] = Math.max(0, rows[list]! - group);
  }
  return could;
}

/** Fullest list over the mean, equal vectors left out; null where none was seen. */
export const skewOf = (
  measured: Pick<IndexMeasurement, "lists" | "rows">,
  lists: number,
): number | null =>
  measured.lists && measured.lists.rows.length > 0 && measured.rows > 0
    ? Math.max(...splittableRows(measured.lists)) / (measured.rows / lists)
    : null;

/**
 * k-means begins with rows by chance: of 40 builds on the same rows the fullest list had 7.5 times
 * the mean in 35 and 7.9 in five. Twice that apart, they are as full as each other.
 */
const BUILDS_DIFFER = 1.1;

/**
 * Fullness as it is judged: of data that lies in clusters a fresh build leaves lists of many times
 * the mean too, and as full as that is fine.
 * @param fine the first value of list_occupancy
 */
export const beyondAttained = (
  ratio: number,
  { attained }: Pick<CentroidGroup, "attained">,
  fine: number,
): number => {
  if (attained == null || attained <= fine) return ratio;
  return ratio <= attained * BUILDS_DIFFER ? Math.min(ratio, fine) : (ratio * fine) / attained;
};
