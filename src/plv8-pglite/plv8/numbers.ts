/** Numbers, times and bytes as V8 and PostgreSQL have them, where the two differ. */
import { types as is } from "node:util";
import { LanguageError } from "./errors.ts";

/** 2000-01-01, where PostgreSQL's time begins, in JavaScript's: days and milliseconds. */
const EPOCH_DAYS = 10_957;
const DAY = 86_400_000;
const EPOCH = EPOCH_DAYS * DAY;
const INFINITE_DAY = 0x7fffffff;
const INFINITE_TIME = 0x7fffffffffffffffn;

const words = new DataView(new ArrayBuffer(4));
export function floatOf(bits: number): number {
  words.setInt32(0, bits);
  return words.getFloat32(0);
}
export function bitsOf(value: number): number {
  words.setFloat32(0, value);
  return words.getInt32(0);
}

/**
 * A number as V8 makes an int64 of it: without its fraction, NaN as 0, too large as the largest.
 */
export function int64Of(value: number): bigint {
  if (Number.isNaN(value)) return 0n;
  if (value >= 2 ** 63) return INFINITE_TIME;
  if (value <= -(2 ** 63)) return ~INFINITE_TIME;
  return BigInt(Math.trunc(value));
}

export const millisecondsOfDay = (day: number): number =>
  day === INFINITE_DAY || day === ~INFINITE_DAY ? Number.NaN : (day + EPOCH_DAYS) * DAY;
export const millisecondsOf = (time: bigint): number =>
  time === INFINITE_TIME || time === ~INFINITE_TIME ? Number.NaN : Number(time) / 1000 + EPOCH;

/**
 * Towards 1970 where it is no whole day; an Invalid Date is what a NaN is for a C compiler:
 * -infinity as a date, 2000-01-01 as a time.
 */
export const dayOf = (time: number): number =>
  Number.isNaN(time) ? ~INFINITE_DAY : Math.trunc(time / DAY) - EPOCH_DAYS;
export const timeOf = (time: number): bigint =>
  Number.isNaN(time) ? 0n : BigInt(time - EPOCH) * 1000n;

export function bytesOf(value: unknown): Uint8Array | null {
  if (ArrayBuffer.isView(value))
    return new Uint8Array(value.buffer, value.byteOffset, value.byteLength);
  if (is.isAnyArrayBuffer(value)) return new Uint8Array(value);
  return null;
}

export function jsonText(
  value: unknown,
  replacer?: (key: string, part: unknown) => unknown,
): string {
  const text = JSON.stringify(value, replacer) as string | undefined;
  if (text === undefined) throw new LanguageError("22032", `a ${typeof value} has no JSON text`);
  return text;
}
