/**
 * What the terminal commands draw with. Names come from the database: nothing of them may act on
 * the screen.
 */
import Table from "cli-table3";
import pc from "../colours.ts";
import type { CollectionSeen, OutcomeSeen } from "../status-data/documents.ts";
import { PAINT } from "../paint.ts";
import { TONES, type Tone } from "../status-data/headline.ts";
import { lambda, number, span } from "../status-data/words.ts";
import { printable } from "../../base/text.ts";

const SIGNS: Readonly<Record<Tone, string>> = {
  normal: "✓",
  stress: "▲",
  critical: "■",
  action: "↻",
  unknown: "–",
};

export const toneOf = ({ verdict: how }: CollectionSeen): Tone => TONES[how];
export const sign = (tone: Tone): string => PAINT[tone](SIGNS[tone]);
export const verdictWord = (one: CollectionSeen): string => PAINT[toneOf(one)](one.verdict);

const BLOCKS = "▁▂▃▄▅▆▇█";

/** One block a value, 0 to 1; a dot where there was none. */
export const sparkline = (values: readonly (number | null)[]): string =>
  values
    .map((value) =>
      value === null ? "·" : BLOCKS[Math.max(0, Math.min(7, Math.floor(value * 8)))],
    )
    .join("");

/** The last half hour in so many characters: the lowest of what falls together. */
export function squeezed(
  values: readonly (number | null)[],
  width: number,
): readonly (number | null)[] {
  if (width <= 0 || values.length === 0) return [];
  const size = values.length / Math.min(width, values.length);
  return Array.from({ length: Math.min(width, values.length) }, (_, place) => {
    const known = values
      .slice(Math.floor(place * size), Math.floor((place + 1) * size))
      .filter((value): value is number => value !== null);
    return known.length === 0 ? null : Math.min(...known);
  });
}

export function bar(done: number, total: number, width: number): string {
  const share = total > 0 ? Math.min(1, Math.max(0, done / total)) : 0;
  const full = Math.round(share * width);
  return (
    `${pc.cyan("█".repeat(full))}${pc.dim("░".repeat(width - full))} ` +
    `${String(Math.round(share * 100)).padStart(3)} %`
  );
}

/** A table without lines; cells are cut where `widths` says so. */
export function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const chars = Object.fromEntries(
    [
      "top",
      "top-mid",
      "top-left",
      "top-right",
      "bottom",
      "bottom-mid",
      "bottom-left",
      "bottom-right",
      "left",
      "left-mid",
      "mid",
      "mid-mid",
      "right",
      "right-mid",
    ].map((place) => [place, ""]),
  );
  const made = new Table({
    head: head.map((text) => pc.dim(text)),
    chars: { ...chars, middle: "  " },
    style: { "padding-left": 0, "padding-right": 0, head: [], border: [] },
  });
  made.push(...rows.map((row) => [...row]));
  return made
    .toString()
    .split("\n")
    .map((line) => line.trimEnd())
    .join("\n");
}

export const name = (text: string, most = 60): string => printable(text, most);

export const change = ({
  lambda_before,
  lambda_after,
}: Pick<OutcomeSeen, "lambda_before" | "lambda_after">): string =>
  lambda_after === null
    ? lambda(lambda_before)
    : `${lambda(lambda_before)} -> ${lambda(lambda_after)}`;

/** How an action ended. */
export function ending({ state, verified }: Pick<OutcomeSeen, "state" | "verified">): string {
  if (state === "succeeded") return pc.green(verified === true ? "helped" : "done");
  if (state === "rolled_back")
    return verified === false ? pc.yellow("did not help, undone") : "undone";
  if (state === "failed" || state === "rollback_failed") return pc.red(state.replace("_", " "));
  return state === "aborted" || state === "expired"
    ? pc.dim(state)
    : pc.cyan(state.replace(/_/g, " "));
}

export const ago = (at: number | null, now: number): string =>
  at === null ? "never" : `${span((now - at) / 1000)} ago`;

export { lambda, number, span };
