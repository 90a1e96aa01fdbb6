/**
 * `ruvector-healing watch`: a frame that is drawn anew on a terminal, with keys; a line on each
 * change elsewhere. It only reads.
 */
import { emitKeypressEvents } from "node:readline";
import { createLogUpdate } from "log-update";
import pg from "pg";
import pc from "../colours.ts";
import { type Reader, reader } from "../actuator/reader.ts";
import { type Target, target } from "../connect.ts";
import { readOverview } from "../status-data/overview.ts";
import type { Overview } from "../status-data/documents.ts";
import { readTrends } from "../status-data/trends.ts";
import { createCache } from "../page/cache.ts";
import { EXIT } from "../exit.ts";
import { change, name } from "./draw.ts";
import { type Common, failure } from "./session.ts";
import { exitCode } from "./status.ts";
import { frame, type Watched } from "./watch-frame.ts";
import { FIRST_VIEW, type Key, press, type View } from "./watch-view.ts";

export interface WatchFlags extends Common {
  readonly interval: number;
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

/**
 * What waiting does not mend: nothing is installed here (any more), or at the first look the
 * database says no, other than that it starts, shuts down or is full.
 */
const isFinal = (error: unknown, first: boolean): boolean =>
  error instanceof pg.DatabaseError &&
  (error.code === "3F000" || (first && !/^(08|53|57)/.test(error.code ?? "")));

/** Keys of a terminal one by one; what undoes that. */
function listenTo(input: NodeJS.ReadStream, pressed: (key: Key) => void): () => void {
  const hear = (text: string | undefined, key: Key): void =>
    pressed({ ...key, sequence: key.sequence ?? text });
  const raw = (): void => void input.setRawMode(true);
  emitKeypressEvents(input);
  raw();
  input.on("keypress", hear);
  process.on("SIGCONT", raw);
  input.resume();
  return () => {
    process.off("SIGCONT", raw);
    input.off("keypress", hear);
    input.setRawMode(false);
    input.pause();
  };
}

class Watching {
  private seen: Watched = { overview: null, received: Date.now(), trouble: null };
  private stopped = false;
  /** Why it ends without being told to. */
  private ended: string | null = null;
  private wake: () => void = () => undefined;
  private readonly screen = createLogUpdate(process.stdout, { showCursor: false });

  constructor(
    private readonly reads: Reader,
    private readonly flags: WatchFlags,
    private readonly to: Target,
    private readonly live: boolean,
  ) {}

  async run(): Promise<void> {
    const stop = (): void => this.stop();
    for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) process.once(signal, stop);
    // Whoever reads the lines may go away: `watch | head`.
    process.stdout.on("error", stop);
    const draw = (): void => this.draw();
    process.stdout.on("resize", draw);
    const ages = setInterval(draw, 1000);
    const keys = this.live && process.stdin.isTTY;
    if (keys) this.seen = { ...this.seen, view: FIRST_VIEW };
    const silence = keys ? listenTo(process.stdin, (key) => this.press(key)) : () => undefined;
    draw();
    try {
      await this.look();
    } finally {
      clearInterval(ages);
      silence();
      this.screen.done();
    }
    const { overview } = this.seen;
    if (this.ended !== null) process.stderr.write(`${pc.red(this.ended)}\n`);
    process.exitCode = overview === null || this.ended !== null ? EXIT.failed : exitCode(overview);
  }

  private async look(): Promise<void> {
    const cache = createCache();
    const trends: typeof readTrends = (...from) =>
      cache.get("trends", 10_000, () => readTrends(...from));
    while (!this.stopped) {
      if (!this.seen.view?.paused) await this.read(trends);
      this.draw();
      await new Promise<void>((resolve) => {
        const timer = setTimeout(resolve, this.flags.interval * 1000);
        this.wake = () => {
          clearTimeout(timer);
          resolve();
        };
        if (this.stopped) this.wake();
      });
    }
  }

  private async read(trends: typeof readTrends): Promise<void> {
    const before = this.seen.overview;
    try {
      const overview = await readOverview(this.reads.query, 10, trends);
      this.seen = { ...this.seen, overview, received: Date.now(), trouble: null };
      if (this.flags.json) console.log(JSON.stringify(overview));
      else if (!this.live)
        for (const line of news(before, overview))
          console.log(`${new Date().toISOString()} ${line}`);
    } catch (error) {
      const whole = failure(error, this.to, this.flags.dbname);
      if (isFinal(error, before === null)) {
        this.ended = whole;
        this.stop();
        return;
      }
      const said = whole.split("\n");
      const trouble = this.live ? said.slice(0, 2).join("  ") : said.join("\n");
      if (!this.live && trouble !== this.seen.trouble) console.error(trouble);
      this.seen = { ...this.seen, trouble };
    }
  }

  private press(key: Key): void {
    const { view, effect } = press(this.seen.view ?? FIRST_VIEW, key, this.seen.overview);
    this.seen = { ...this.seen, view };
    if (effect === "quit") this.stop();
    if (effect === "look") this.wake();
    if (effect === "explain") void this.explain(view);
    if (effect === "suspend") {
      process.stdin.setRawMode(false);
      process.kill(process.pid, "SIGTSTP");
    }
    this.draw();
  }

  private async explain({ detail }: View): Promise<void> {
    if (!detail) return;
    const { name: of } = detail;
    this.seen = { ...this.seen, explained: { name: of, text: null } };
    const text = await this.reads
      .once<{ text: string }>("SELECT ruvector.ruvector_healing_explain($1::text) AS text", [of])
      .then(
        ([row]) => row?.text ?? "",
        (error: unknown) => failure(error, this.to),
      );
    this.seen = { ...this.seen, explained: { name: of, text } };
    this.draw();
  }

  private draw(): void {
    if (this.live && !this.stopped)
      this.screen(frame(this.seen, process.stdout.columns ?? 80, process.stdout.rows ?? 24));
  }

  private stop(): void {
    this.stopped = true;
    this.wake();
  }
}

export async function watch(flags: WatchFlags): Promise<void> {
  const to = target(flags.dbname);
  const reads = reader(to);
  const live = process.stdout.isTTY === true && !flags.json;
  try {
    await new Watching(reads, flags, to, live).run();
  } finally {
    await reads.end();
  }
}
