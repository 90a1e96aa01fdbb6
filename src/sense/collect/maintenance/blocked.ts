/** Seconds that sessions wait for maintenance, summed up from sample to sample. Pure. */

/**
 * Who holds a session up; `other` is any lock of maintenance strength: LOCK TABLE, ALTER TABLE,
 * TRUNCATE.
 */
export const BLOCKER_KINDS = ["vacuum", "index_build", "scheduled_job", "other"] as const;
export type BlockerKind = (typeof BLOCKER_KINDS)[number];

/** A session that waits for maintenance now. */
export interface Wait {
  readonly pid: number;
  readonly kind: BlockerKind;
  /** When the wait began, seconds since 1970; null: the server had not noted it yet. */
  readonly since: number | null;
  /**
   * How many sessions it stands for: 1, more where so many wait that only some were asked for their
   * blockers.
   */
  readonly weight: number;
}

export type BlockedSeconds = Readonly<Record<BlockerKind | "total", number>>;

/**
 * Waiting between two samples, from the first wait to the last: session-seconds by who caused them.
 */
interface Chunk {
  readonly from: number;
  readonly to: number;
  readonly seconds: Readonly<Partial<Record<BlockerKind, number>>>;
}

export interface BlockedMemory {
  readonly at: number;
  readonly chunks: readonly Chunk[];
  readonly waiting: readonly Wait[];
}

/** Seconds of the window that the curve's unit names: writer-seconds per minute. */
export const MINUTE = 60;

/**
 * The blocked seconds per minute: the smaller of what the last minute held, and of what the last
 * `recent` seconds held scaled to a minute. The first lets a short wait count for what it was, the
 * second forgets a wait that is over as soon as an action may be judged by it (`recent` is the
 * stabilizing time).
 *
 * A wait is counted from its beginning, also where that lies before the last sample that saw
 * nothing, and to its end: where a wait of the last sample is over and its end is not known, half
 * the time between the samples is counted (after a pause of the loop that lies before this minute:
 * a wait of a second counted 30). A wait that begins and ends between two samples is not
 * seen.
 *
 * @param ended when waits of the last sample ended, by pid
 */
export function integrateWaits(
  memory: BlockedMemory | null,
  waits: readonly Wait[],
  now: number,
  recent: number,
  ended: ReadonlyMap<number, number>,
): { readonly per_minute: BlockedSeconds; readonly memory: BlockedMemory } {
  // A clock that was set back makes the memory worthless.
  const previous = memory && memory.at <= now ? memory : null;
  const from = Math.max(previous?.at ?? 0, now - MINUTE);
  const seconds: Partial<Record<BlockerKind, number>> = {};
  let first = now;
  let last = from;
  const add = (wait: Wait, until: number, begun: number) => {
    const start = Math.max(begun, from);
    seconds[wait.kind] = (seconds[wait.kind] ?? 0) + Math.max(0, until - start) * wait.weight;
    first = Math.min(first, start);
    last = Math.max(last, until);
  };
  for (const wait of waits) add(wait, now, wait.since ?? now);
  for (const wait of previous?.waiting ?? []) {
    if (waits.some(({ pid }) => pid === wait.pid)) continue;
    add(wait, Math.min(now, ended.get(wait.pid) ?? (previous!.at + now) / 2), from);
  }
  const chunks = [
    ...(previous?.chunks ?? []).filter(({ to }) => to > now - MINUTE),
    ...(Object.keys(seconds).length > 0 ? [{ from: first, to: last, seconds }] : []),
  ];
  const window = Math.min(MINUTE, Math.max(1, recent));
  const sums = BLOCKER_KINDS.map(
    (kind) =>
      [
        kind,
        Math.min(
          within(chunks, kind, now - MINUTE),
          within(chunks, kind, now - window) * (MINUTE / window),
        ),
      ] as const,
  );
  const total = sums.reduce((sum, [, value]) => sum + value, 0);
  return {
    per_minute: { ...(Object.fromEntries(sums) as Record<BlockerKind, number>), total },
    memory: { at: now, chunks, waiting: waits },
  };
}

/** What the chunks hold after `from`; a chunk that reaches across it is taken in proportion. */
function within(chunks: readonly Chunk[], kind: BlockerKind, from: number): number {
  return chunks.reduce(
    (sum, chunk) => sum + (chunk.seconds[kind] ?? 0) * shareAfter(chunk, from),
    0,
  );
}

function shareAfter({ from: begins, to }: Chunk, from: number): number {
  if (to > begins) return Math.min(1, Math.max(0, (to - from) / (to - begins)));
  return to >= from ? 1 : 0;
}
