import { InvalidArgumentError } from "commander";
import { readOutcomes } from "../status-data/outcomes.ts";
import type { Missing } from "../status-data/query.ts";
import { EXIT } from "../exit.ts";
import { asking, type Common, Refusal } from "./session.ts";
import { ago, change, name, number, table, ending } from "./draw.ts";

export interface HistoryFlags extends Common {
  readonly since: string;
  readonly limit: number;
}

const UNITS = "s|sec|second|seconds|m|min|minute|minutes|h|hour|hours|d|day|days|w|week|weeks";
const INTERVAL = new RegExp(String.raw`^\s*\d+(\.\d+)?\s*(${UNITS})\s*$`, "i");

/** "2h", "7 days", "90 min": PostgreSQL's own intervals, checked so that a mistake is told here. */
export function interval(text: string): string {
  if (!INTERVAL.test(text)) {
    throw new InvalidArgumentError("Write a time such as 2h, 30min or 7days.");
  }
  // "m" alone is months to PostgreSQL in some places and minutes in others.
  return text.trim().replace(/m$/i, "min");
}

export const showHistory = (flags: HistoryFlags): Promise<void> =>
  asking(flags, async (query) => {
    const missing: Missing[] = [];
    const rows = await readOutcomes(query, missing, flags.limit, flags.since);
    const [denied] = missing;
    if (denied) throw new Refusal(denied.why);
    if (flags.json) console.log(JSON.stringify(rows, null, 1));
    else if (rows.length === 0) console.log(`Nothing was done in the last ${flags.since}.`);
    else {
      const now = Date.now();
      console.log(
        table(
          ["action", "when", "collection", "problem", "strategy", "lambda", "rows", "outcome"],
          rows.map((row) => [
            String(row.id),
            ago(row.finished_at ?? row.created_at, now),
            name(row.collection),
            row.problem.replace(/_/g, " "),
            row.strategy,
            change(row),
            row.rows === null ? "" : number(row.rows),
            ending(row),
          ]),
        ),
      );
    }
    return EXIT.well;
  });
