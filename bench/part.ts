/**
 * What a part of `npm run bench` is: bench/parts/NAME.ts, whose default export has that name. What
 * several parts share stands beside that folder.
 */
import type { Curve } from "./curves.ts";
import type { Bench } from "./database.ts";

/** A figure that is measured, one line of the table. */
export interface Row {
  readonly what: string;
  /** null: not measured here, `note` says why. */
  readonly value: number | null;
  /** "ratio", "ms", "rows/s"... */
  readonly unit: string;
  /** Quartiles; null: measured once, or counted. */
  readonly spread: readonly [number, number] | null;
  /** In words, "at most 15"; null: none of its own. */
  readonly target: string | null;
  /** null: no target, or not measured. */
  readonly met: boolean | null;
  readonly note?: string;
}

export interface Context {
  /** Fewer and smaller, for a first look: figures of it are not quoted. */
  readonly quick: boolean;
  /** --with KEY=VALUE, as often as wanted. */
  readonly options: Readonly<Record<string, string>>;
  /** A database of its own on the throwaway server, with the product; dropped at the end. */
  database(settings?: Readonly<Record<string, string>>): Promise<Bench>;
  /** A plot beside the table, such as how a cost grows. */
  plot(curve: Curve): void;
  /** What is going on, for whoever waits. */
  say(line: string): void;
}

export interface Part {
  readonly name: string;
  /** One line of `npm run bench -- --list`. */
  readonly title: string;
  /** What it is to reach, in words. */
  readonly target: string;
  run(context: Context): Promise<readonly Row[]>;
}

/** A figure held against the most, or the least, that it may be. */
export function row(
  what: string,
  unit: string,
  { median, quartiles }: { median: number; quartiles?: readonly [number, number] },
  target: { readonly most?: number; readonly least?: number; readonly note?: string } = {},
): Row {
  const { most, least, note } = target;
  const words = [
    ...(least === undefined ? [] : [`at least ${least}`]),
    ...(most === undefined ? [] : [`at most ${most}`]),
  ].join(", ");
  return {
    what,
    value: median,
    unit,
    spread: quartiles ?? null,
    target: words === "" ? null : words,
    met: words === "" ? null : median <= (most ?? Infinity) && median >= (least ?? -Infinity),
    ...(note !== undefined && { note }),
  };
}
