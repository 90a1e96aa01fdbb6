/** The viewer's own clock, beside the words that terminals use too. */
export * from "../../status-data/words.ts";

const two = (n: number): string => String(n).padStart(2, "0");

/** The viewer's own time of day. */
export const clock = (at: number, seconds = false): string => {
  const date = new Date(at);
  const parts = [date.getHours(), date.getMinutes(), ...(seconds ? [date.getSeconds()] : [])];
  return parts.map(two).join(":");
};

/** A time within a text, "2026-11-24T18:10:16Z", in the viewer's own clock. */
export const localTimes = (text: string): string =>
  text.replace(/\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?Z/g, (stamp) => {
    const at = Date.parse(stamp);
    return Math.abs(at - Date.now()) < 12 * 3600_000
      ? clock(at)
      : `${stamp.slice(0, 10)} ${clock(at)}`;
  });
