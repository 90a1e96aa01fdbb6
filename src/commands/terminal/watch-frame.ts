/** What watch draws on a terminal: a frame of at most its size. */
import cliTruncate from "cli-truncate";
import pc from "../colours.ts";
import stringWidth from "string-width";
import { stateLine } from "../status-data/headline.ts";
import type { Overview } from "../status-data/documents.ts";
import { PAINT } from "../paint.ts";
import { besideRows } from "../status-data/words.ts";
import { recommended, warnings } from "./status.ts";
import { detailLines, type Explained } from "./watch-detail.ts";
import { listed, place, type View } from "./watch-view.ts";
import {
  ago,
  bar,
  change,
  lambda,
  name,
  number,
  sign,
  span,
  sparkline,
  squeezed,
  toneOf,
  verdictWord,
  ending,
} from "./draw.ts";

export interface Watched {
  /** What keys have made of it; without any there are none. */
  readonly view?: View;
  readonly explained?: Explained | null;
  readonly overview: Overview | null;
  /** When it came, by this machine's clock. */
  readonly received: number;
  readonly trouble: string | null;
}

const pad = (text: string, width: number): string =>
  text + " ".repeat(Math.max(0, width - stringWidth(text)));

/**
 * The whole screen, each line cut to its width: what does not fit is left out from the end, healthy
 * collections first.
 */
export function frame(
  { overview, received, trouble, view, explained = null }: Watched,
  columns: number,
  rows: number,
  now: number = Date.now(),
): string {
  const lines: string[] = [];
  const age = (now - received) / 1000;
  if (!overview) return cliTruncate(trouble === null ? "Reading..." : pc.red(trouble), columns);
  const clock = overview.now + (now - received);
  const { tone, text, more } = stateLine(overview, clock);
  lines.push(
    `${pc.dim(name(overview.database))}  ` +
      `${trouble === null ? pc.dim(`${span(age)} old`) : pc.red(`not current: ${span(age)} old`)}` +
      (view?.paused ? pc.yellow("  paused") : ""),
  );
  if (trouble !== null) lines.push(pc.red(trouble));
  const whole = (all: readonly string[], last: readonly string[]): string =>
    [...all.slice(0, Math.max(1, rows - 1 - last.length)), ...last]
      .map((line) => cliTruncate(line, columns))
      .join("\n");
  const foot = view ? [footer(view)] : [];
  if (view?.help) return whole([...lines, "", ...HELP], foot);
  if (view?.detail) {
    const all = detailLines(overview, view.detail.name, explained, columns, clock);
    // The last page is full.
    const top = Math.max(0, Math.min(view.detail.top, all.length - (rows - 1 - 1 - lines.length)));
    return whole([...lines, ...all.slice(top)], foot);
  }
  lines.push(`${sign(tone)} ${pc.bold(PAINT[tone](text))}`, pc.dim(more), ...warnings(overview));

  const after = [
    ...actions(overview, columns, clock),
    ...recommendations(overview),
    ...refusals(overview, clock),
    ...outcomes(overview, clock, rows, columns),
  ];
  const room = Math.max(1, rows - lines.length - after.length - 3 - foot.length);
  lines.push("", ...collections(overview, view, columns, room));
  return whole([...lines, ...after], foot);
}

/** The list with its mark in sight, in so many lines. */
function collections(
  overview: Overview,
  view: View | undefined,
  columns: number,
  room: number,
): string[] {
  const all = view ? listed(overview, view) : overview.collections;
  const at = view ? place(all, view) : 0;
  const size = Math.max(1, all.length > room ? room - 1 : room);
  // The mark stays in sight.
  const from = Math.max(0, Math.min(at - Math.floor(size / 2), all.length - size));
  const shown = all.slice(from, from + size);
  const widest = Math.min(
    Math.max(10, Math.floor(columns * 0.4)),
    Math.max(0, ...shown.map((one) => stringWidth(name(one.name)))),
  );
  const trend = Math.max(0, Math.min(40, columns - widest - 30));
  const lines: string[] = [];
  for (const [index, one] of shown.entries()) {
    const mark = toneOf(one);
    const pointer = from + index === at ? pc.cyan("› ") : "  ";
    lines.push(
      `${view ? pointer : ""}${sign(mark)} ${pad(cliTruncate(name(one.name), widest), widest)}  ` +
        `${lambda(one.lambda).padStart(4)}  ${pad(verdictWord(one), 11)}  ` +
        `${PAINT[mark](sparkline(squeezed(one.trend, trend)))}`,
    );
  }
  if (all.length > shown.length)
    lines.push(
      pc.dim(`  and ${all.length - shown.length} more${from === 0 ? ", none worse" : ""}`),
    );
  if (view && all.length < overview.collections.length)
    lines.push(pc.dim(`  ${all.length} of ${overview.collections.length} are looked for`));
  return lines;
}

/** At most 80 characters. */
function footer({ typing, filter, attention, detail, paused }: View): string {
  if (typing) return `/${name(filter)}${pc.dim("_   Enter: done, Esc: all of them")}`;
  if (detail) return pc.dim("↑↓ scroll  Esc back  p pause  q quit  ? help");
  const looked = [filter === "" ? "" : `/${name(filter, 20)}`, attention ? "attention only" : ""];
  return (
    pc.dim(
      `↑↓ choose  Enter detail  / filter  a attention  p ${paused ? "go on" : "pause"}  q quit  ?`,
    ) + pc.yellow(`  ${looked.filter(Boolean).join(" ")}`)
  );
}

const HELP = [
  "↑ ↓ k j            choose a collection, scroll its detail; PgUp PgDn Home End too",
  "Enter →            its detail: why something happens, or nothing does",
  "Esc ←              back; in the list: all collections again",
  "/                  look for a name or a verdict",
  "a                  only those that need attention",
  "p, blank           stand still, and go on",
  "r                  look now",
  "q, Ctrl-C          end; the exit code says how the collections are",
] as const;

/** What it says beside its bar. */
const beside = ({ message, rows_planned: planned }: Overview["active"][number]): string =>
  planned !== null && planned > 0 ? besideRows(message ?? "") : (message ?? "");

function actions({ active }: Overview, columns: number, clock: number): string[] {
  const width = Math.max(5, Math.min(40, columns - 40));
  return active.flatMap((one) => [
    "",
    `${pc.bold(`action ${one.id}`)} ${one.strategy} on ${name(one.collection)}: ` +
      PAINT.action(one.state.replace(/_/g, " ")) +
      (one.started_at === null ? "" : pc.dim(`, ${span((clock - one.started_at) / 1000)} so far`)),
    ...(one.rows_planned !== null && one.rows_planned > 0
      ? [
          `  ${bar(one.rows_done ?? 0, one.rows_planned, width)}  ` +
            `${number(one.rows_done ?? 0)} of ${number(one.rows_planned)} rows`,
        ]
      : []),
    ...(beside(one) === "" ? [] : [pc.dim(`  ${name(beside(one), 300)}`)]),
    ...(one.state === "awaiting_approval"
      ? [pc.yellow(`  ruvector-healing approve ${one.id}`)]
      : []),
  ]);
}

function recommendations({ recommendations: all }: Overview): string[] {
  return all.length === 0
    ? []
    : [
        "",
        pc.bold("Recommended"),
        ...all.slice(0, 3).map(recommended),
        ...(all.length > 3
          ? [pc.dim(`  and ${all.length - 3} more: ruvector-healing status`)]
          : []),
      ];
}

function refusals({ collections }: Overview, clock: number): string[] {
  const found = collections.flatMap((one) =>
    one.refusals.map(
      (refusal) =>
        `  ${name(one.name, 40)} ${pc.yellow(refusal.reason)} ` +
        name(refusal.message, 300) +
        (refusal.since === null ? "" : pc.dim(`, for ${span((clock - refusal.since) / 1000)}`)),
    ),
  );
  return found.length === 0
    ? []
    : [
        "",
        pc.bold("What stands in the way"),
        ...found.slice(0, 5),
        ...(found.length > 5 ? [pc.dim(`  and ${found.length - 5} more`)] : []),
      ];
}

function outcomes(
  { outcomes: all }: Overview,
  clock: number,
  rows: number,
  columns: number,
): string[] {
  const ended = all.filter((one) => one.finished_at !== null).slice(0, rows < 24 ? 2 : 5);
  if (ended.length === 0) return [];
  // When, strategy, change and the longest ending take 69 columns.
  const wide = Math.max(10, Math.min(40, columns - 69));
  return [
    "",
    pc.bold("Last outcomes"),
    ...ended.map(
      (one) =>
        `  ${ago(one.finished_at, clock).padEnd(11)} ${one.strategy.padEnd(20)} ` +
        `${pad(cliTruncate(name(one.collection), wide), wide)} ` +
        `${change(one).padEnd(12)} ${ending(one)}`,
    ),
  ];
}
