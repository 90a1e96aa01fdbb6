/** When pg_cron's schedules are due. Pure. */

/** Fields of a cron line in order: their ranges, and the names that may stand for numbers. */
const MONTHS = ["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"];
const DAYS = ["sun", "mon", "tue", "wed", "thu", "fri", "sat"];
const FIELDS = [
  { from: 0, to: 59, names: [] },
  { from: 0, to: 23, names: [] },
  { from: 1, to: 31, names: [] },
  { from: 1, to: 12, names: MONTHS },
  { from: 0, to: 7, names: DAYS },
] as const;

interface CronLine {
  readonly minutes: ReadonlySet<number>;
  readonly hours: ReadonlySet<number>;
  readonly days: ReadonlySet<number>;
  readonly months: ReadonlySet<number>;
  readonly weekdays: ReadonlySet<number>;
  readonly any_day: boolean;
  readonly any_weekday: boolean;
}

/**
 * Minutes looked back for a run that should have begun: a job that is later than that is due all
 * the same by its last start.
 */
const LOOK_BACK_MINUTES = 1440;

/**
 * Whether a job should have started again since `started`. null: the schedule is none that is
 * understood here.
 * @param started seconds since 1970 of its last start
 * @param now seconds since 1970
 * @param offset seconds to add for the wall clock of cron.timezone
 */
export function dueSince(
  schedule: string,
  started: number,
  now: number,
  offset: number,
): boolean | null {
  const seconds = /^\s*(\d+)\s+seconds?\s*$/i.exec(schedule);
  if (seconds) return now - started > Number(seconds[1]);
  const line = parseCronLine(schedule);
  if (!line) return null;
  // Minutes that began after the last start and are over: the running one may still be served.
  const last = Math.floor((now + offset) / 60) - 1;
  const first = Math.max(Math.floor((started + offset) / 60) + 1, last - LOOK_BACK_MINUTES);
  for (let minute = first; minute <= last; minute++)
    if (matches(line, new Date(minute * 60_000))) return true;
  return false;
}

/** null where it is no cron line of five fields, or one with extensions ("$", "@reboot"). */
function parseCronLine(text: string): CronLine | null {
  const parts = text.trim().toLowerCase().split(/\s+/);
  if (parts.length !== 5) return null;
  const sets = parts.map((part, place) => parseField(part, FIELDS[place]!));
  const [minutes, hours, days, months, weekdays] = sets;
  if (!minutes || !hours || !days || !months || !weekdays) return null;
  return {
    minutes,
    hours,
    days,
    months,
    weekdays: new Set([...weekdays].map((day) => day % 7)),
    any_day: parts[2]!.startsWith("*"),
    any_weekday: parts[4]!.startsWith("*"),
  };
}

function parseField(
  text: string,
  { from, to, names }: (typeof FIELDS)[number],
): Set<number> | null {
  const found = new Set<number>();
  const number = (word: string): number => {
    const named = (names as readonly string[]).indexOf(word);
    if (named >= 0) return named + from;
    return /^\d+$/.test(word) ? Number(word) : NaN;
  };
  for (const item of text.split(",")) {
    const [span = "", step = "1", more] = item.split("/");
    const [low = "", high] = span === "*" ? [String(from), String(to)] : span.split("-");
    const first = number(low);
    // "5/10" goes on to the end of the field, "5" is itself.
    const open = item.includes("/") ? to : first;
    const last = high === undefined ? open : number(high);
    const by = number(step);
    if (more !== undefined || !(first >= from && last <= to && first <= last && by >= 1))
      return null;
    for (let value = first; value <= last; value += by) found.add(value);
  }
  return found;
}

/**
 * As cron has it: where both days are restricted, either is enough. The date's UTC fields are the
 * wall clock.
 */
function matches(line: CronLine, at: Date): boolean {
  if (
    !line.minutes.has(at.getUTCMinutes()) ||
    !line.hours.has(at.getUTCHours()) ||
    !line.months.has(at.getUTCMonth() + 1)
  )
    return false;
  const day = line.days.has(at.getUTCDate());
  const weekday = line.weekdays.has(at.getUTCDay());
  return line.any_day || line.any_weekday ? day && weekday : day || weekday;
}
