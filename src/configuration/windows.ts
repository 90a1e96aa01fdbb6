/**
 * Maintenance windows as they are typed. What they mean in time is computed in SQL, which has the
 * time zones (ruvector.healing_window).
 */
import { type MaintenanceWindow, WEEKDAYS } from "../model/configuration.ts";
import sql from "sql-template-tag";
import * as z from "zod/mini";
import type { Host } from "../host/host.ts";
import { parseDocument } from "../base/documents.ts";
import { HealingError } from "../base/errors.ts";
import { nearest } from "../base/nearest.ts";

export const EXAMPLE =
  '[{"days": ["sat", "sun"], "from": "22:00", "to": "04:00", "time_zone": "Europe/Vienna"}]';

/** More are a calendar, which this is not. */
const MOST = 50;

const TIME = /^([01]\d|2[0-3]):[0-5]\d$/;

const SHAPE = {
  days: z.optional(z.array(z.enum(WEEKDAYS)).check(z.minLength(1))),
  from: z.optional(z.string().check(z.regex(TIME))),
  to: z.optional(z.string().check(z.refine((text) => TIME.test(text) || text === "24:00"))),
  time_zone: z.optional(z.string().check(z.minLength(1), z.maxLength(100))),
};

/**
 * @throws HealingError RV001 for what is no list of windows. Whether a time zone exists is asked of
 *   the server: `checkTimeZones`.
 */
export function checkWindows(input: unknown): void {
  if (!Array.isArray(input) || input.length > MOST) {
    throw new HealingError(
      "invalid_argument",
      `setting "maintenance_windows" wants a JSON array of at most ${MOST} windows`,
      {
        detail: `Got ${(JSON.stringify(input) ?? "nothing").slice(0, 200)}.`,
        hint: `For example ${EXAMPLE}; [] lets the loop act at any time.`,
      },
    );
  }
  input.forEach((one: unknown, place) => {
    const { from = "00:00", to = "24:00" } = parseDocument(
      `maintenance_windows[${place}]`,
      SHAPE,
      one,
      EXAMPLE,
    );
    if (from === to) {
      throw new HealingError(
        "invalid_argument",
        `maintenance_windows[${place}] is empty: it ends when it begins`,
        {
          detail: `Got ${JSON.stringify(one)}.`,
          hint: 'Leave out "from" and "to" for whole days.',
        },
      );
    }
  });
}

/**
 * @throws HealingError RV001 for a time zone that this server does not know, with the nearest one
 *   that it does
 */
export function checkTimeZones(host: Host, windows: readonly MaintenanceWindow[]): void {
  const zones = windows
    .map(({ time_zone }) => time_zone)
    .filter((zone): zone is string => zone !== undefined);
  if (zones.length === 0) return;
  const unknown = host.query<{ zone: string }>(sql`
    SELECT zone FROM jsonb_array_elements_text(${JSON.stringify(zones)}::jsonb) w(zone)
     WHERE NOT EXISTS (SELECT FROM pg_timezone_names n WHERE n.name = w.zone) LIMIT 1`)[0]?.zone;
  if (unknown === undefined) return;
  const known = host
    .query<{ name: string }>(
      sql`SELECT name FROM pg_timezone_names WHERE name !~ '^posix' ORDER BY name`,
    )
    .map(({ name }) => name);
  // "vienna" is further from "Europe/Vienna" than from many a short name: the city counts first.
  const city = known.find(
    (name) =>
      name.slice(name.lastIndexOf("/") + 1).toLowerCase() ===
      unknown.slice(unknown.lastIndexOf("/") + 1).toLowerCase(),
  );
  throw new HealingError("invalid_argument", `there is no time zone "${unknown}"`, {
    detail:
      "Given as time_zone of a maintenance window; names are those of pg_timezone_names, upper " +
      "and lower case as there.",
    hint:
      `Did you mean "${city ?? nearestZone(unknown, known)}"? SELECT name FROM ` +
      "pg_timezone_names ORDER BY name; lists them.",
  });
}

/** Case is the commonest slip, and `nearest` compares a lowered text. */
function nearestZone(typed: string, known: readonly string[]): string {
  const lowered = new Map(known.map((name) => [name.toLowerCase(), name]));
  const best = nearest(typed, [...lowered.keys()]);
  return lowered.get(best) ?? best;
}
