/**
 * Who may use the one session: a connection keeps it to the end of its transaction, and whoever
 * else wants it waits.
 */
export interface Turns {
  /** Resolves with what gives the session back, when everybody before has. */
  take(): Promise<() => void>;
  /** Work with the session to itself. */
  run<T>(work: () => Promise<T>): Promise<T>;
}

export function createTurns(): Turns {
  let last: Promise<void> = Promise.resolve();
  const take = async (): Promise<() => void> => {
    const before = last;
    let release!: () => void;
    last = new Promise((resolve) => (release = resolve));
    await before;
    return release;
  };
  return {
    take,
    async run(work) {
      const release = await take();
      try {
        return await work();
      } finally {
        release();
      }
    },
  };
}
