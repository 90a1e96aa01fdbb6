/** Numbers and times as people read them, the same on the page and in a terminal. */
export const lambda = (value: number | null): string =>
  value === null ? "–" : String(Number(value.toFixed(2)));

/** 5 -> "5 s", 90 -> "1 min", 7800 -> "2 h 10 min", 200000 -> "2 d" */
export function span(seconds: number): string {
  const whole = Math.max(0, Math.round(seconds));
  if (whole < 60) return `${whole} s`;
  if (whole < 3600) return `${Math.floor(whole / 60)} min`;
  if (whole < 86_400) {
    const minutes = Math.floor((whole % 3600) / 60);
    return `${Math.floor(whole / 3600)} h${minutes > 0 ? ` ${minutes} min` : ""}`;
  }
  return `${Math.floor(whole / 86_400)} d`;
}

export const plural = (n: number, one: string, many = `${one}s`): string =>
  `${n} ${n === 1 ? one : many}`;

export const words = (name: string): string => name.replace(/_/g, " ");

export const number = (value: number): string =>
  String(Math.round(value)).replace(/\B(?=(\d{3})+$)/g, " ");

/** Of a message what a progress bar beside it does not say already, in other figures. */
export const besideRows = (message: string): string =>
  message.replace(/^\d+ rows? of \d+ moved(?: |$)/, "");

export const percent = (fraction: number): string => `${Math.round(fraction * 100)} %`;
