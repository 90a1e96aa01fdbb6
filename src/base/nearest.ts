/** Levenshtein distance, two-row form. */
function distance(a: string, b: string): number {
  let previous = Array.from({ length: b.length + 1 }, (_, index) => index);
  for (let i = 1; i <= a.length; i++) {
    const current = [i];
    for (let j = 1; j <= b.length; j++) {
      const substitution = previous[j - 1]! + (a[i - 1] === b[j - 1] ? 0 : 1);
      current.push(Math.min(previous[j]! + 1, current[j - 1]! + 1, substitution));
    }
    previous = current;
  }
  return previous[b.length]!;
}

/**
 * The known name closest to what was typed: what a HINT offers. Long input is cut, it is no typo of
 * anything.
 */
export function nearest(typed: string, known: readonly string[]): string {
  const short = typed.slice(0, 100).toLowerCase();
  let best = known[0] ?? "";
  let least = Number.POSITIVE_INFINITY;
  for (const name of known) {
    // Who left off in the middle meant the name that goes on so, however long it is.
    const d = short.length > 2 && name.startsWith(short) ? 0.5 : distance(short, name);
    if (d < least) {
      least = d;
      best = name;
    }
  }
  return best;
}
