/**
 * Whether an action helped, from lambda before it and lambda now. A lambda that is null (not known)
 * proves nothing: it neither improves nor worsens anything.
 */

/** An action must raise lambda by a tenth. */
export const VERIFY_RATIO = 1.1;

/** A slice that costs a tenth of lambda is undone. */
export const ABORT_RATIO = 0.9;

/** Lambda from here on is whole: what is missing is rounding and measuring noise. */
export const WHOLE = 0.999;

const known = (lambda: number | null): lambda is number =>
  lambda !== null && Number.isFinite(lambda);

/**
 * `current > ratio * initial`, strictly. From an initial 0 anything positive counts. Lambda is at
 * most 1, so from above 1 / ratio (0.909) no action could ever pass: a whole graph (0.999 or more)
 * counts as well, as long as lambda rose.
 */
export function improved(
  initial: number | null,
  current: number | null,
  ratio = VERIFY_RATIO,
): boolean {
  if (!known(initial) || !known(current)) return false;
  return current > ratio * initial || (current >= WHOLE && current > initial);
}

/** What lambda has to exceed (or, where that is WHOLE, to reach) for `improved`. */
export const needed = (initial: number, ratio = VERIFY_RATIO): number =>
  Math.min(ratio * initial, WHOLE);

/** `current < ratio * initial`, strictly. From an initial 0 nothing can be worse. */
export function worsened(
  initial: number | null,
  current: number | null,
  ratio = ABORT_RATIO,
): boolean {
  return known(initial) && known(current) && current < ratio * initial;
}

/**
 * `(current - initial) / initial`, a fraction (0.25 is a quarter better); null when initial is 0 or
 * either is not known.
 */
export function improvement(initial: number | null, current: number | null): number | null {
  if (!known(initial) || !known(current) || initial === 0) return null;
  const fraction = (current - initial) / initial;
  return Number.isFinite(fraction) ? fraction : null;
}
