/** What each action of the loop foresaw, and what came of it. */
import { rounded } from "../recall/figures.ts";
import { METHODS } from "./arms.ts";
import type { Point } from "./summary.ts";
import type { Action, Found } from "./turns.ts";

/** The parts of the strategies' plans that say what searches would find, and cost. */
interface Plan {
  readonly indexes?: readonly {
    readonly after?: Found;
    readonly foreseen?: number;
    readonly foreseen_blocks?: number;
  }[];
  readonly targets?: readonly { readonly foreseen?: Found }[];
}

/** null: its plan says nothing of searches (compact_indexes is about room). */
export function foreseenBy({ indexes, targets }: Plan): Partial<Found> | null {
  const [index, target] = [indexes?.[0], targets?.[0]];
  const found = target?.foreseen ?? index?.after;
  if (found) return { recall: found.recall, blocks: found.blocks };
  return index?.foreseen === undefined
    ? null
    : {
        recall: index.foreseen,
        ...(index.foreseen_blocks !== undefined && { blocks: index.foreseen_blocks }),
      };
}

/** Recall, and blocks a search. */
export const pair = (found: Partial<Found> | null | undefined): string =>
  found?.recall == null
    ? "-"
    : `${rounded(found.recall, 3)}` +
      (found.blocks == null ? "" : ` at ${rounded(found.blocks, 0)}`);

/** Recall and blocks a search, a row for each action. */
export function remedies(actions: readonly Action[], points: readonly Point[]) {
  const look = (arm: string, method: string, day: number): Point | undefined =>
    points.find((point) => point.arm === arm && point.method === method && point.day === day);
  return actions.map(({ day, table, strategy, state, foreseen, came, ...action }) => {
    const method = METHODS.find((one) => table.endsWith(one))!;
    return {
      day,
      action: `${strategy} on ${method}: ${state}`,
      lambda: [action.lambda_before, action.lambda_predicted, action.lambda_after]
        .map((value) => value?.toFixed(2) ?? "-")
        .join(", "),
      that_evening: pair(look("loop", method, day)),
      foreseen: pair(foreseen),
      measured_after: pair(came),
      next_evening: pair(look("loop", method, day + 1)),
      nightly_then: pair(look("nightly", method, day + 1)),
    };
  });
}
