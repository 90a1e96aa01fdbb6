/** What is asked for: by the loop itself, or by whoever typed trigger or execute. */
import * as z from "zod/mini";
import { parseDocument } from "../base/documents.ts";
import type { Origin } from "../model/action.ts";
import type { Classified } from "../select/context.ts";
import type { GuardMode } from "../select/guards/index.ts";
import type { Strategy } from "../strategies/strategy.ts";

export interface Wanted {
  readonly origin: Origin;
  /** null: the best one is selected. */
  readonly strategy: Strategy | null;
  readonly params: Readonly<Record<string, unknown>>;
}

/** What an evaluation starts from. */
export interface Situation extends Classified {
  readonly wanted: Wanted;
}

export const GUARD_MODES: Readonly<Record<Origin, GuardMode>> = {
  loop: "automatic",
  trigger: "manual",
  execute: "explicit",
};

/** @throws HealingError RV001 for params that the strategy does not know */
export function parseParams(strategy: Strategy, params: unknown): Record<string, unknown> {
  return parseDocument(
    "params",
    {
      dry_run: z.optional(z.boolean()),
      target_lambda: z.optional(z.number().check(z.gt(0), z.lte(1))),
      ...strategy.params(),
    },
    params,
  );
}

export const isDryRun = ({ params }: Wanted): boolean => params["dry_run"] === true;
