/**
 * What would have to change so that the loop acts. Guards answer with data, and what has to be
 * known of it (when its time comes) is read from the data; the sentence for people is made here,
 * where a refusal is kept or answered.
 */
import { count, printable, utc } from "./text.ts";

/** A setting that is as said; `now`: what it is, where that helps to see how far off it is. */
type SettingFlip = { readonly kind: "setting"; readonly name: string } & (
  | {
      readonly relation: "above" | "below" | "at_least";
      readonly value: number;
      readonly now?: number | undefined;
    }
  | { readonly relation: "="; readonly value: boolean }
  | { readonly relation: "one_of"; readonly values: readonly string[] }
);

/** What happens; the words are the name. */
type Happening =
  | "the circuit breaker being closed"
  | "its row being back"
  | "a reading of lambda"
  | "pg_is_in_recovery() = false"
  | "the end of that action"
  | "a verified outcome before"
  | "promotion"
  | "a rule of the classifier is met (the evidence says by how much each was missed)"
  | "one of the strategies becoming usable"
  | "the table coming back"
  | "a weak edge in the minimum cut"
  | "the next maintenance window opens"
  | "maintenance windows that can be read"
  | "a larger max_slot_wal_keep_size";

export type Flip =
  | SettingFlip
  /** Seconds since 1970. */
  | { readonly kind: "time"; readonly at: number; readonly how?: keyof typeof TIMES | undefined }
  /** `of`: of which slot, which table. */
  | {
      readonly kind: "measure";
      readonly measure: keyof typeof MEASURES;
      readonly value: number;
      readonly of: string;
    }
  | { readonly kind: "event"; readonly event: Happening }
  /** `of`: which action, which slot, what. */
  | { readonly kind: "event"; readonly event: keyof typeof EVENTS; readonly of: string }
  | { readonly kind: "statement"; readonly sql: string }
  /** What a strategy, or the look for a table, says itself. */
  | { readonly kind: "advice"; readonly text: string }
  /** One is enough. What is expected to come stands first. */
  | { readonly kind: "any"; readonly of: readonly [Flip, ...Flip[]] }
  | { readonly kind: "all"; readonly of: readonly Flip[] };

const TIMES = {
  until: (at: string) => `until ${at}`,
  lets_one_through: (at: string) => `${at}: then one action is let through`,
  hour_passes: (at: string) => `from ${at} on, as the hour passes`,
  moves_are_older: (at: string) =>
    `${at}, when those moves are older than oscillation_window_seconds`,
};

const MEASURES = {
  lambda_below: (value: number) => `lambda below ${value}`,
  plan_above: (value: number) => `a plan that foresees lambda above ${value}`,
  active_below: (value: number) => `fewer than ${count(value, "active action")}`,
  samples_to_come: (value: number) => `for ${count(value, "more sample")}`,
  age_at_most: (value: number, of: string) => `an age of ${printable(of)} of ${value} or less`,
  slot_room_above: (value: number, of: string) =>
    `more than ${value} bytes left for slot ${printable(of)}`,
};

const EVENTS = {
  action_ends: (id: string) => `action ${printable(id)} ends`,
  action_verified: (id: string) => `action ${printable(id)} ends verified`,
  slot_moves: (slot: string) => `slot ${printable(slot)} moving on`,
  strategy_handles: (name: string) => `a strategy that handles ${name}`,
  transaction_ends: (sql: string) => `its end (COMMIT, or ${sql})`,
};

export const settingIs = (
  name: string,
  relation: "above" | "below" | "at_least",
  value: number,
  now?: number,
): Flip => ({ kind: "setting", name, relation, value, now });

export const time = (at: number, how?: keyof typeof TIMES): Flip => ({ kind: "time", at, how });

export const measure = (name: keyof typeof MEASURES, value: number, of = ""): Flip => ({
  kind: "measure",
  measure: name,
  value,
  of,
});

export const happens = (event: Happening): Flip => ({ kind: "event", event });

export const happensTo = (event: keyof typeof EVENTS, of: string): Flip => ({
  kind: "event",
  event,
  of,
});

export const anyOf = (...of: readonly [Flip, ...Flip[]]): Flip => ({ kind: "any", of });

export function flipSentence(flip: Flip): string {
  switch (flip.kind) {
    case "setting":
      return settingText(flip);
    case "time":
      return flip.how ? TIMES[flip.how](utc(flip.at)) : utc(flip.at);
    case "measure":
      return MEASURES[flip.measure](flip.value, flip.of);
    case "event":
      return "of" in flip ? EVENTS[flip.event](flip.of) : flip.event;
    case "statement":
      return flip.sql;
    case "advice":
      return flip.text;
    case "any":
      // A statement has commas of its own.
      return flip.of
        .map(flipSentence)
        .join(flip.of.some(({ kind }) => kind === "statement") ? "; or " : ", or ");
    case "all":
      return flip.of.map(flipSentence).join(", and ");
  }
}

function settingText(flip: SettingFlip): string {
  if (flip.relation === "one_of")
    return `${flip.name} ${flip.values.slice(0, -1).join(", ")} or ${flip.values.slice(-1)[0]}`;
  if (flip.relation === "at_least") return `${flip.name} of ${flip.value} or more`;
  const now = flip.relation === "=" || flip.now === undefined ? "" : ` (it is ${flip.now})`;
  return `${flip.name} ${flip.relation} ${flip.value}${now}`;
}

/**
 * When it comes by itself (seconds since 1970), where a time is what is expected to come; null: a
 * person or something else has to come first, or it is no time that can be told. What has to come
 * together has no time: samples are among it.
 */
export function flipTime(flip: Flip): number | null {
  if (flip.kind === "any") return flipTime(flip.of[0]);
  return flip.kind === "time" && Number.isFinite(flip.at) ? flip.at : null;
}
