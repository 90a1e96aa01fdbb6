/**
 * How an explanation is set: a headline, then sections with a title and indented lines, wrapped for
 * a terminal. A line that goes on is indented further than it began, so that a reader with a
 * narrower screen (the status page) can join it again.
 */
import { printable, sqlLiteral } from "../../base/text.ts";

export interface Section {
  readonly title: string;
  readonly lines: readonly string[];
}

const WIDTH = 100;

const INDENT = "  ";

/** Beyond the line's own indent. */
const HANGING = "    ";

/** What is to be typed is never wrapped: it is copied. */
const isStatement = (line: string): boolean =>
  /^\s*(SELECT|CALL|GRANT|CREATE|CLUSTER|ALTER) /.test(line);

function wrapped(line: string, indent: string): string {
  if (isStatement(line)) return `${indent}${line}`;
  const [first = "", ...words] = line.split(" ");
  const lines: string[] = [];
  let current = `${indent}${first}`;
  for (const word of words) {
    if (current.length + 1 + word.length > WIDTH) {
      lines.push(current);
      current = `${indent}${HANGING}${word}`;
    } else current += ` ${word}`;
  }
  return [...lines, current].join("\n");
}

/** Sections without lines are left out. */
export function document(headline: readonly string[], sections: readonly Section[]): string {
  const parts = [headline.map((line) => wrapped(line, "")).join("\n")];
  for (const { title, lines } of sections) {
    if (lines.length > 0)
      parts.push([title, ...lines.map((line) => wrapped(line, INDENT))].join("\n"));
  }
  return parts.join("\n\n");
}

/**
 * 3 -> "3 s", 90 -> "1 min 30 s", 7800 -> "2 h 10 min", 200000 -> "2 d 7 h": the two largest units.
 */
export function duration(seconds: number): string {
  const whole = Math.max(0, Math.round(seconds));
  if (seconds > 0 && seconds < 10) return `${Number(seconds.toFixed(1))} s`;
  const units: readonly (readonly [number, string])[] = [
    [86_400, "d"],
    [3600, "h"],
    [60, "min"],
    [1, "s"],
  ];
  const first = units.findIndex(([size]) => whole >= size);
  if (first === -1) return "0 s";
  const [size, unit] = units[first]!;
  const next = units[first + 1];
  const rest = next ? Math.floor((whole % size) / next[0]) : 0;
  return `${Math.floor(whole / size)} ${unit}${next && rest > 0 ? ` ${rest} ${next[1]}` : ""}`;
}

/** 17:52:10, for lines below one that has the date; all times are UTC. */
export const clock = (seconds: number): string => {
  const date = new Date(seconds * 1000);
  return Number.isNaN(date.getTime()) ? String(seconds) : date.toISOString().slice(11, 19);
};

/** 2026-01-15 17:52:10 */
export const dateAndClock = (seconds: number): string => {
  const date = new Date(seconds * 1000);
  return Number.isNaN(date.getTime())
    ? String(seconds)
    : date.toISOString().slice(0, 19).replace("T", " ");
};

/**
 * A message somebody or something wrote, on one line; without its full stop, a sentence goes on
 * around it.
 */
export const message = (text: string, max = 600): string => printable(text, max).replace(/\.$/, "");

/** The name of a collection or the like as an SQL literal. */
export const literal = sqlLiteral;

export { capitalized } from "../../base/text.ts";
