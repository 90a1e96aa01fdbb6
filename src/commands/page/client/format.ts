/** The viewer's own clock, beside the words that terminals use too. */
export * from "../../status-data/words.ts";

const two = (n: number): string => String(n).padStart(2, "0");

/** The viewer's own time of day. */
export const clock = (at: number, seconds = false): string => {
  const date = new Date(at);
  const parts = [date.getHours(), date.getMinutes(), ...(seconds ? [date.getSeconds()] : [])];
  return parts.map(two).join(":");
};

/** Of the viewer's clock: "UTC", "UTC+1", "UTC-3:30". */
export function zone(at: number = Date.now()): string {
  const minutes = -new Date(at).getTimezoneOffset();
  if (minutes === 0) return "UTC";
  const [hours, rest] = [Math.floor(Math.abs(minutes) / 60), Math.abs(minutes) % 60];
  return `UTC${minutes < 0 ? "-" : "+"}${hours}${rest === 0 ? "" : `:${two(rest)}`}`;
}

/** A day and a time with its zone, for titles. */
export function fullTime(at: number): string {
  const date = new Date(at);
  const day = [date.getFullYear(), two(date.getMonth() + 1), two(date.getDate())].join("-");
  return `${day} ${clock(at, true)} ${zone(at)}`;
}

/** A time within a text, "2026-11-24T18:10:16Z", in the viewer's own clock. */
export const localTimes = (text: string): string =>
  text.replace(/\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?Z/g, (stamp) => {
    const at = Date.parse(stamp);
    return Math.abs(at - Date.now()) < 12 * 3600_000
      ? `${clock(at)} ${zone(at)}`
      : fullTime(at).replace(/:\d\d (?=UTC)/, " ");
  });
