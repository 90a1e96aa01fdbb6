/** Answers kept for a moment and shared: fifty open pages ask the database as often as one. */
export interface Cache {
  /**
   * The answer for a key, at most `milliseconds` old; whoever asks while it is being read waits for
   * the same one. A failure is not kept.
   */
  get<T>(key: string, milliseconds: number, read: () => Promise<T>): Promise<T>;
}

/** Keys come from addresses that anybody may type. */
const MOST = 200;

export function createCache(now: () => number = Date.now): Cache {
  const kept = new Map<
    string,
    { readonly until: () => number; readonly answer: Promise<unknown> }
  >();
  return {
    get<T>(key: string, milliseconds: number, read: () => Promise<T>): Promise<T> {
      const known = kept.get(key);
      if (known && now() < known.until()) return known.answer as Promise<T>;
      if (kept.size >= MOST) kept.delete(kept.keys().next().value!);
      let until = Infinity;
      const answer = read();
      const entry = { until: () => until, answer };
      kept.delete(key);
      kept.set(key, entry);
      answer.then(
        () => void (until = now() + milliseconds),
        () => void (kept.get(key) === entry && kept.delete(key)),
      );
      return answer;
    },
  };
}
