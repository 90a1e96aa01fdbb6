/** One collection on the whole screen: how it is, what is done, and the explanation, scrolled. */
import pc from "../colours.ts";
import { PAINT } from "../paint.ts";
import type { Overview } from "../status-data/documents.ts";
import {
  ago,
  change,
  ending,
  lambda,
  name,
  sign,
  sparkline,
  squeezed,
  toneOf,
  verdictWord,
} from "./draw.ts";

export interface Explained {
  readonly name: string;
  /** null: it is being read. */
  readonly text: string | null;
}

/** All of it; whoever draws takes the lines that have room. */
export function detailLines(
  overview: Overview,
  of: string,
  explained: Explained | null,
  columns: number,
  clock: number,
): string[] {
  const one = overview.collections.find(({ name: its }) => its === of);
  if (!one) return [pc.bold(name(of)), pc.dim("It is not registered any more.")];
  const tone = toneOf(one);
  const trend = Math.max(5, Math.min(60, columns - 12));
  const own = overview.outcomes.filter(({ collection }) => collection === of).slice(0, 5);
  return [
    `${sign(tone)} ${pc.bold(name(one.name))}  lambda ${lambda(one.lambda)}  ${verdictWord(one)}`,
    ...folded(`${name(one.sentence, 1000)}.`, columns - 2).map((line) => `  ${line}`),
    pc.dim(
      `  mode ${one.mode ?? "not known"}, sampled ${ago(one.sampled_at, clock)}, state since ` +
        ago(one.since, clock),
    ),
    "",
    `  ${pc.dim("1")} ${PAINT[tone](sparkline(squeezed(one.trend, trend)))}`,
    `  ${pc.dim("0 lambda, the last 30 min (· no sample)")}`,
    ...(own.length === 0 ? [] : ["", pc.bold("Its actions")]),
    ...own.map(
      (done) =>
        `  ${String(done.id).padStart(5)} ` +
        `${ago(done.finished_at ?? done.created_at, clock).padEnd(12)} ` +
        `${done.strategy.padEnd(20)} ${change(done).padEnd(12)} ${ending(done)}`,
    ),
    "",
    ...explanation(of, explained, columns),
  ];
}

function explanation(of: string, explained: Explained | null, columns: number): string[] {
  if (explained?.name !== of || explained.text === null) return [pc.dim("Reading why...")];
  return joined(explained.text).flatMap((line) => {
    const indent = / */.exec(line)![0];
    const title = indent === "" && line !== "" && !/[.:]$/.test(line);
    return folded(name(line.trim(), 2000), columns - indent.length - 2).map((piece, at) =>
      title ? pc.bold(piece) : indent + (at === 0 ? "" : "  ") + piece,
    );
  });
}

/** It comes wrapped for 100 columns: what goes on is indented by four more than its first line. */
function joined(text: string): string[] {
  const lines: string[] = [];
  const indentOf = (line: string): number => line.length - line.trimStart().length;
  let first = 0;
  for (const line of text.split("\n")) {
    const last = lines.at(-1);
    if (last && line !== "" && indentOf(line) >= first + 4)
      lines[lines.length - 1] = `${last} ${line.trim()}`;
    else {
      lines.push(line);
      first = indentOf(line);
    }
  }
  return lines;
}

/** Broken at blanks; a word that is longer than a line stays whole, and is cut when it is drawn. */
function folded(text: string, width: number): string[] {
  const lines: string[] = [];
  for (const word of text.split(" ")) {
    const last = lines.at(-1);
    if (last !== undefined && last.length + 1 + word.length <= Math.max(20, width))
      lines[lines.length - 1] = `${last} ${word}`;
    else lines.push(word);
  }
  return lines;
}
