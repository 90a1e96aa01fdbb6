/**
 * `ruvector-healing watch`: a frame that is drawn anew on a terminal, a line on each change
 * elsewhere. It only reads.
 */
import cliTruncate from "cli-truncate";
import { createLogUpdate } from "log-update";
import pc from "../colours.ts";
import stringWidth from "string-width";
import { reader } from "../actuator/reader.ts";
import { target } from "../connect.ts";
import { stateLine } from "../status-data/headline.ts";
import { readOverview } from "../status-data/overview.ts";
import type { Overview } from "../status-data/documents.ts";
import { readTrends } from "../status-data/trends.ts";
import { createCache } from "../page/cache.ts";
import { PAINT } from "../paint.ts";
import { EXIT } from "../exit.ts";
import { type Common, failure } from "./session.ts";
import { exitCode, recommended, warnings } from "./status.ts";
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

export interface WatchFlags extends Common {
  readonly interval: number;
}

export interface Watched {
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
  { overview, received, trouble }: Watched,
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
      `${trouble === null ? pc.dim(`${span(age)} old`) : pc.red(`not current: ${span(age)} old`)}`,
  );
  if (trouble !== null) lines.push(pc.red(trouble));
  lines.push(`${sign(tone)} ${pc.bold(PAINT[tone](text))}`, pc.dim(more), ...warnings(overview));

  const after = [
    ...actions(overview, columns, clock),
    ...recommendations(overview),
    ...refusals(overview, clock),
    ...outcomes(overview, clock, rows),
  ];
  const room = Math.max(1, rows - lines.length - after.length - 3);
  const shown = overview.collections.slice(0, overview.collections.length > room ? room - 1 : room);
  const widest = Math.min(
    Math.max(10, Math.floor(columns * 0.4)),
    Math.max(0, ...shown.map((one) => stringWidth(name(one.name)))),
  );
  const trend = Math.max(0, Math.min(40, columns - widest - 30));
  lines.push("");
  for (const one of shown) {
    const mark = toneOf(one);
    lines.push(
      `${sign(mark)} ${pad(cliTruncate(name(one.name), widest), widest)}  ` +
        `${lambda(one.lambda).padStart(4)}  ${pad(verdictWord(one), 11)}  ` +
        `${PAINT[mark](sparkline(squeezed(one.trend, trend)))}`,
    );
  }
  if (overview.collections.length > shown.length)
    lines.push(pc.dim(`  and ${overview.collections.length - shown.length} more, none worse`));
  return [...lines, ...after]
    .slice(0, Math.max(1, rows - 1))
    .map((line) => cliTruncate(line, columns))
    .join("\n");
}

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
    ...(one.message === null ? [] : [pc.dim(`  ${name(one.message, 300)}`)]),
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

function outcomes({ outcomes: all }: Overview, clock: number, rows: number): string[] {
  const ended = all.filter((one) => one.finished_at !== null).slice(0, rows < 24 ? 2 : 5);
  if (ended.length === 0) return [];
  return [
    "",
    pc.bold("Last outcomes"),
    ...ended.map(
      (one) =>
        `  ${ago(one.finished_at, clock).padEnd(14)} ${one.strategy} ${pc.dim("on")} ` +
        `${name(one.collection, 40)}  ${change(one)}  ${ending(one)}`,
    ),
  ];
}

/** What has changed, for those who read a log of it: one line each. */
export function news(
  before: Overview | null,
  { collections, active, outcomes: ended }: Overview,
): string[] {
  const verdicts = new Map(before?.collections.map((one) => [one.name, one.verdict]));
  const actionStates = new Map(before?.active.map((one) => [one.id, one.state]));
  const known = new Set(
    before?.outcomes.filter((one) => one.finished_at !== null).map(({ id }) => id),
  );
  return [
    ...collections
      .filter((one) => verdicts.get(one.name) !== one.verdict)
      .map((one) => `${name(one.name)} ${one.verdict}: ${name(one.sentence, 300)}`),
    ...active
      .filter((one) => actionStates.get(one.id) !== one.state)
      .map((one) => `action ${one.id} ${one.strategy} on ${name(one.collection)} ${one.state}`),
    ...(before === null
      ? []
      : ended
          .filter((one) => one.finished_at !== null && !known.has(one.id))
          .map(
            (one) =>
              `action ${one.id} ${one.strategy} on ${name(one.collection)} ${one.state} ` +
              `lambda ${change(one)}`,
          )),
  ];
}

export async function watch(flags: WatchFlags): Promise<void> {
  const to = target(flags.dbname);
  const reads = reader(to);
  const cache = createCache();
  const trends: typeof readTrends = (...from) =>
    cache.get("trends", 10_000, () => readTrends(...from));
  const live = process.stdout.isTTY === true && !flags.json;
  const screen = createLogUpdate(process.stdout, { showCursor: false });
  let seen: Watched = { overview: null, received: Date.now(), trouble: null };
  let wake: () => void = () => undefined;
  let stopped = false;
  const stop = (): void => {
    stopped = true;
    wake();
  };
  for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) process.once(signal, stop);
  // Whoever reads the lines may go away: `watch | head`.
  process.stdout.on("error", stop);
  const draw = (): void => {
    if (live && !stopped)
      screen(frame(seen, process.stdout.columns ?? 80, process.stdout.rows ?? 24));
  };
  process.stdout.on("resize", draw);
  const ages = setInterval(draw, 1000);
  draw();
  while (!stopped) {
    const before = seen.overview;
    try {
      const overview = await readOverview(reads.query, 10, trends);
      seen = { overview, received: Date.now(), trouble: null };
      if (flags.json) console.log(JSON.stringify(overview));
      else if (!live)
        for (const line of news(before, overview))
          console.log(`${new Date().toISOString()} ${line}`);
    } catch (error) {
      const trouble = failure(error, to.shown).split("\n")[0]!;
      if (!live && trouble !== seen.trouble) console.error(trouble);
      seen = { ...seen, trouble };
    }
    draw();
    await new Promise<void>((resolve) => {
      const timer = setTimeout(resolve, flags.interval * 1000);
      wake = () => {
        clearTimeout(timer);
        resolve();
      };
      if (stopped) wake();
    });
  }
  clearInterval(ages);
  screen.done();
  process.exitCode = seen.overview === null ? EXIT.failed : exitCode(seen.overview);
  await reads.end();
}
