/**
 * Time that nobody sets back: deadlines are kept by it, not by the wall clock of this machine or of
 * the database.
 */
import { setTimeout as sleep } from "node:timers/promises";

export const monotonic = (): number => performance.now() / 1000;

/** The time for it is over. */
export class DeadlinePassed extends Error {
  override readonly name = "DeadlinePassed";
}

export class Deadline {
  private readonly end: number;

  constructor(
    seconds: number,
    readonly signal: AbortSignal = new AbortController().signal,
  ) {
    this.end = monotonic() + seconds;
  }

  get left(): number {
    return this.end - monotonic();
  }

  get passed(): boolean {
    return this.left <= 0;
  }

  /** Waits; rejects as soon as the work is to be given up. */
  async wait(seconds: number): Promise<void> {
    this.signal.throwIfAborted();
    await sleep(Math.max(0, Math.min(seconds, this.left)) * 1000, undefined, {
      signal: this.signal,
    }).catch((error: unknown) => {
      this.signal.throwIfAborted();
      throw error;
    });
  }
}

/**
 * Seconds before the n-th try (from 0): doubling up to the most, a half of it by chance, so that
 * many do not come back at once.
 */
export const backoff = (attempt: number, first: number, most: number): number => {
  const full = Math.min(most, first * 2 ** attempt);
  return full / 2 + (Math.random() * full) / 2;
};
