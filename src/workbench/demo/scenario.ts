/**
 * The story of the demo, from an installed loop to a healed collection. It makes the table and the
 * load and watches; the loop does the rest.
 */
import { checkRows, rememberRows } from "./check.ts";
import type { Session } from "../session.ts";
import type { Display } from "./display.ts";
import type { Options } from "./options.ts";
import { isWell, resultOf, type Result, type Story } from "./result.ts";
import { secondsSince, type Stopwatch } from "./stopwatch.ts";
import { makeTable, rowsByPartition } from "./table.ts";
import type { Venue } from "./venue.ts";
import { look, now, type Seen } from "./watch.ts";
import { whatIsLeft } from "./left.ts";
import { type SearcherResult, startSearcher, startWriter, type WriterResult } from "./workload.ts";
import type { Running } from "../load.ts";
import { HEALTH_AT_STRESS } from "../../graph/health.ts";

const POLL_MS = 400;

/**
 * Three samples to stress, a few ticks to move, ten seconds to stabilize; more where ticks come by
 * the minute.
 */
const patience = (interval: number): number => Math.max(240, interval * 12);

/**
 * How long a collection may stay as it is after an action, without another one, before the demo
 * says that it is better and not well.
 */
const PAUSE = 45;

export interface Finished {
  readonly venue: Venue;
  readonly result: Result;
  readonly seen: Seen;
  /** ruvector_healing_explain() of the newest action, while the loop ran. */
  readonly explained: string | null;
}

export interface Stage {
  readonly options: Options;
  readonly display: Display;
  readonly say: (line: string) => void;
  readonly signal: AbortSignal;
  readonly watch: Stopwatch;
}

/** What was there before the loop began. */
interface Begun {
  /** Rows of each partition. */
  readonly before: Record<string, number>;
  readonly since: Awaited<ReturnType<typeof now>>;
  readonly weight_before: number | null;
}

/** The load beside the loop. */
interface Load {
  readonly writer: Running<WriterResult>;
  readonly searcher: Running<SearcherResult>;
}

const stopLoad = ({ writer, searcher }: Load): Promise<unknown> =>
  Promise.all([writer.stop(), searcher.stop()]);

/** Afterwards the loop is not scheduled any more; the venue is open. */
export async function play(venue: Venue, stage: Stage): Promise<Finished> {
  const { options, display, say, watch } = stage;
  const { session } = venue;
  const begun = await begin(venue, stage);
  const writer = startWriter(await venue.connect());
  const searcher = startSearcher(await venue.connect());
  const load: Load = { writer, searcher };
  try {
    const { by, schedule } = await venue.schedule(options.interval);
    say(`${by} runs the loop (${schedule}). A writer and a searcher are at work.`);
    const { story, seen } = await watchHealing(venue, stage, begun, load, schedule);
    display.end();
    watch.lap("healing");
    // Before the loop is stopped: afterwards all that will be done is nothing.
    const explained = seen.action === null ? null : await explain(session, seen.action.id);
    const left = whatIsLeft(seen);

    await stopLoad(load);
    await venue.unschedule();
    const check = await checkRows(session, writer.result.ids);
    const after = await rowsByPartition(session);
    watch.lap("check");
    watch.timings["total_seconds"] = watch.total();
    const result = resultOf({
      venue,
      options,
      schedule,
      before: begun.before,
      after,
      story,
      seen,
      left,
      weight_before: begun.weight_before,
      writer: writer.result,
      searcher: searcher.result,
      check,
      timings: watch.timings,
    });
    return { venue, result, seen, explained };
  } finally {
    display.end();
    await stopLoad(load);
  }
}

/** Makes the collection. */
async function begin(venue: Venue, { options, say, watch }: Stage): Promise<Begun> {
  const { session } = venue;
  say(
    "The story: one large customer's vectors fill one of eight partitions; searches and writes " +
      "crowd there.",
  );
  say("The loop is to notice, spread the rows, check that it helped, and say why it did so.");
  say(`Making embeddings: ${options.rows} rows in 8 partitions, 60 % of them in one...`);
  await venue.interruptibly((other) => makeTable(other, options.rows));
  await rememberRows(session);
  const before = await rowsByPartition(session);
  watch.lap("table");

  // What this session has read and written to make the table belongs to no sample: on a busy
  // machine it was counted as traffic, seconds late.
  await session.query("SELECT pg_stat_force_next_flush()");
  await session.query("SELECT ruvector_healing_register('embeddings', '{\"movable\": true}')");
  const since = await now(session);
  return { before, since, weight_before: (await look(session, since)).weight };
}

/** Until it is well, or nothing more comes, or the time is up. */
async function watchHealing(
  venue: Venue,
  { options, display, signal }: Stage,
  { since, weight_before }: Begun,
  { writer, searcher }: Load,
  schedule: string,
): Promise<{ readonly story: Story; readonly seen: Seen }> {
  const healing = Date.now();
  // pg_cron before 1.5 knows minutes only.
  const limit = patience(
    schedule.includes("*") ? Math.max(60, options.interval) : options.interval,
  );
  const story: Story = { states: [], witness: [], sensed_after: null, healed_after: null, limit };
  let ended = null as { readonly id: number; readonly at: number } | null;
  for (;;) {
    signal.throwIfAborted();
    const lost = venue.lost();
    if (lost) throw lost;
    const seen = await look(venue.session, since);
    notice(story, seen, secondsSince(healing));
    display.show({
      ...seen,
      seconds: secondsSince(healing),
      inserted: writer.result.ids.length,
      queries: searcher.result.milliseconds.length,
      weight_before,
    });
    if (isWell(seen) || secondsSince(healing) >= limit) return { story, seen };
    if (!seen.action?.finished_at) ended = null;
    else if (ended?.id !== seen.action.id) ended = { id: seen.action.id, at: Date.now() };
    if (ended !== null && secondsSince(ended.at) >= Math.max(PAUSE, options.interval * 6))
      return { story, seen };
    await new Promise((resolve) => setTimeout(resolve, POLL_MS));
  }
}

async function explain(session: Session, actionId: number): Promise<string | null> {
  const { rows } = await session.query<{ text: string }>(
    "SELECT ruvector_healing_explain($1::bigint) AS text",
    [actionId],
  );
  return rows[0]?.text ?? null;
}

/** The part of the story that the end no longer shows. */
function notice(story: Story, seen: Seen, seconds: number): void {
  if (seen.state !== null && story.states.at(-1) !== seen.state) story.states.push(seen.state);
  if (story.sensed_after === null && seen.lambda !== null && seen.lambda < HEALTH_AT_STRESS) {
    story.sensed_after = seconds;
    story.witness = seen.witness(20);
  }
  if (seen.action?.verified && seen.action.finished_at) story.healed_after = seconds;
}
