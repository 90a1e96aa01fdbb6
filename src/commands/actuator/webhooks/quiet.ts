/** Which alerts are sent now, which are held, and which are like one that was just sent. */
import type { QuietHours, Webhook } from "./config.ts";
import type { Alert } from "./template.ts";

export function isQuiet({ from, to, timeZone }: QuietHours, at: Date): boolean {
  const parts = new Intl.DateTimeFormat("en-GB", {
    timeZone,
    hour: "2-digit",
    minute: "2-digit",
    hourCycle: "h23",
  }).formatToParts(at);
  const part = (type: string): number => Number(parts.find((one) => one.type === type)?.value);
  const minute = part("hour") * 60 + part("minute");
  return from < to ? minute >= from && minute < to : minute >= from || minute < to;
}

const any = (patterns: readonly RegExp[], kind: string): boolean =>
  patterns.some((one) => one.test(kind));

/** What a flapping collection says again and again; of actions each is told. */
const likeness = ({ kind, collection, action_id: id }: Alert): string =>
  `${kind} ${collection ?? ""} ${id ?? ""}`;

/** Of each only the newest holds. */
const CONDITIONS = [
  ["state_normal", "state_stress", "state_critical"],
  ["breaker_closed", "breaker_half_open", "breaker_open"],
] as const satisfies readonly (readonly string[])[];

const conditionOf = (kind: string): readonly string[] | undefined =>
  CONDITIONS.find((kinds: readonly string[]) => kinds.includes(kind));

/** Whether people were told since that it is otherwise: then to hear it again is news. */
function corrects(alert: Alert, last: number, said: ReadonlyMap<string, number>): boolean {
  const kinds = conditionOf(alert.kind) ?? [];
  return kinds.some((kind) => (said.get(likeness({ ...alert, kind })) ?? 0) > last);
}

/** Whether a later one says how it is now. */
const outdated = (alert: Alert, alerts: readonly Alert[], { kinds }: Webhook): boolean =>
  alerts.some(
    ({ seq, kind, collection }) =>
      seq > alert.seq &&
      collection === alert.collection &&
      any(kinds, kind) &&
      conditionOf(alert.kind)?.includes(kind) === true,
  );

export interface Sorted {
  /** Each with how many like it are left out with it. */
  readonly send: readonly { readonly alert: Alert; readonly covers: readonly number[] }[];
  readonly ignore: readonly number[];
  readonly held: readonly Alert[];
}

/** @param sent when something like it was sent last, in milliseconds: by likeness */
export function sort(
  webhook: Webhook,
  alerts: readonly Alert[],
  sent: ReadonlyMap<string, number>,
  now: Date,
): Sorted {
  const { kinds, collections, quiet, dedupSeconds } = webhook;
  const said = new Map(sent);
  const silent = quiet !== null && isQuiet(quiet, now);
  const ignore: number[] = [];
  const held: Alert[] = [];
  const morning: Alert[] = [];
  const send = new Map<string, { alert: Alert; covers: number[]; at: number }>();
  for (const alert of alerts) {
    const { kind, collection, seq } = alert;
    const wanted =
      any(kinds, kind) &&
      (collections === null || collection === null || collections.includes(collection));
    const like = likeness(alert);
    const at = Date.parse(alert.at);
    const before = send.get(like);
    const last = said.get(like);
    const again = last !== undefined && at - last < dedupSeconds * 1000;
    // What flaps is said at the end of that time, if it still is so.
    const correction = again && corrects(alert, last, said) && !outdated(alert, alerts, webhook);
    if (!wanted) ignore.push(seq);
    else if (silent && !any(quiet.except, kind)) held.push(alert);
    else if (quiet !== null && !any(quiet.except, kind) && isQuiet(quiet, new Date(at)))
      morning.push(alert);
    else if (correction && now.getTime() - last! < dedupSeconds * 1000) continue;
    else if (again && !correction && before) before.covers.push(seq);
    else if (again && !correction) ignore.push(seq);
    else {
      // Two of a kind that are far apart are two.
      send.set(before ? `${like} ${seq}` : like, { alert, covers: [seq], at });
      said.set(like, at);
    }
  }
  const first =
    morning.length === 0
      ? []
      : [{ alert: together(morning), covers: morning.map(({ seq }) => seq) }];
  return { send: [...first, ...send.values()], ignore, held };
}

/** What was held, as one message: nobody reads fifty of them in the morning. */
export function together(alerts: readonly Alert[]): Alert {
  const last = alerts.at(-1)!;
  if (alerts.length === 1) return last;
  const counts = new Map<string, number>();
  for (const { kind, collection } of alerts) {
    const what = `${kind.replaceAll("_", " ")}${collection === null ? "" : ` of ${collection}`}`;
    counts.set(what, (counts.get(what) ?? 0) + 1);
  }
  const list = [...counts]
    .slice(0, 20)
    .map(([what, n]) => (n === 1 ? what : `${what} (${n} times)`));
  return {
    ...last,
    kind: "quiet_hours",
    collection: alerts.every((one) => one.collection === last.collection) ? last.collection : null,
    action_id: null,
    message:
      `${alerts.length} transitions in quiet hours: ${list.join(", ")}` +
      `${counts.size > 20 ? ", and others" : ""}. The last: ${last.message}`,
  };
}

export const sentNow = (sent: Map<string, number>, alert: Alert): void => {
  sent.set(likeness(alert), Date.parse(alert.at));
  // Nothing is deduplicated for longer than a month.
  if (sent.size > 10_000) sent.delete(sent.keys().next().value!);
};
