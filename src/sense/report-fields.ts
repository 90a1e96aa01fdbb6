/** What the fields of a report may hold. */
import * as z from "zod/mini";
import { HealingError } from "../base/errors.ts";

/** Characters of ids, names and labels. */
export const LONGEST_NAME = 200;

export const fraction = z.number().check(z.gte(0), z.lte(1));

export const percent = z.number().check(z.gte(0), z.lte(100));

export const amount = z.number().check(z.gte(0));

export const name = z.string().check(z.minLength(1), z.maxLength(LONGEST_NAME));

export function atMost(most: number, got: number, what: string, hint: string): void {
  if (got > most)
    throw new HealingError("invalid_argument", `a report holds at most ${most} ${what}`, {
      detail: `Got ${got}.`,
      hint,
    });
}
