/**
 * Validation of `ruvector_healing_configure(jsonb)` with zod, and the typed effective
 * configuration.
 */
import type { SettingDefinition } from "./settings/define.ts";
import type { Configuration, Triple } from "../model/configuration.ts";
import * as z from "zod/mini";
import { HealingError } from "../base/errors.ts";
import type { HealthCurve } from "../graph/health.ts";
import { nearest } from "../base/nearest.ts";
import { sqlLiteral } from "../base/text.ts";
import { checkStrategyModes } from "./modes.ts";
import { SETTINGS, SETTING_KEYS } from "./settings.ts";
import { checkWindows } from "./windows.ts";

/** Ratios and lags are judged on a logarithmic scale, percentages on a linear one. */
export const toCurve = (
  [fine, stress, critical]: Triple,
  scale: "log" | "linear",
): HealthCurve => ({ fine, stress, critical, scale });

const range = (setting: SettingDefinition): string =>
  setting.min === undefined ? setting.unit : `${setting.unit}, ${setting.min} to ${setting.max}`;

/** Whether less is worse in a curve: its default says so. */
const falls = ({ default: value }: SettingDefinition): boolean =>
  Array.isArray(value) && (value[0] as number) > (value[1] as number);

type PlainSetting = SettingDefinition & {
  readonly type: Exclude<SettingDefinition["type"], "windows" | "modes">;
};

function schemaOf(setting: PlainSetting, strategies: readonly string[]) {
  switch (setting.type) {
    case "boolean":
      return z.boolean();
    case "number":
      return z.number().check(z.gte(setting.min ?? 0), z.lte(setting.max ?? Number.MAX_VALUE));
    case "integer":
      return z.int().check(z.gte(setting.min ?? 0), z.lte(setting.max ?? Number.MAX_SAFE_INTEGER));
    case "names":
      return z.array(z.enum((setting.names ?? strategies) as [string, ...string[]]));
    case "text":
      return z.string().check(z.maxLength(setting.max ?? 1000), z.regex(/^[^\x00-\x1f]*$/));
    case "choice":
      return z.enum((setting.names ?? []) as [string, ...string[]]);
    case "curve":
      return z
        .tuple([z.number(), z.number(), z.number()])
        .check(
          z.refine(([fine, stress, critical]) =>
            falls(setting)
              ? critical > 0 && fine > stress && stress > critical
              : fine > 0 && fine < stress && stress < critical,
          ),
        );
  }
}

/** Settings that are documents of their own say themselves what is wrong in them, and where. */
const isPlain = (setting: SettingDefinition): setting is PlainSetting =>
  setting.type !== "windows" && setting.type !== "modes";

function wanted(setting: PlainSetting, strategies: readonly string[]): string {
  switch (setting.type) {
    case "boolean":
      return "true or false";
    case "integer":
      return `a whole number (${range(setting)})`;
    case "number":
      return `a number (${range(setting)})`;
    case "names":
      return `a JSON array of names out of: ${(setting.names ?? strategies).join(", ")}`;
    case "text":
      return `a text (${setting.unit}, at most ${setting.max ?? 1000} characters)`;
    case "choice":
      return `one of: ${(setting.names ?? []).join(", ")}`;
    case "curve":
      return `three ${falls(setting) ? "falling" : "rising"} positive numbers: ${setting.unit}`;
  }
}

/**
 * Checks a settings document. Returns it when every key and value is known and in range.
 * @param input what the user typed, already parsed
 * @param strategies names a strategy list may hold
 * @param scope "global" or the collection's name; some keys are global only
 * @throws HealingError RV005 unknown key (HINT: the nearest known one), RV001 bad value
 */
export function validateSettings(
  input: unknown,
  strategies: readonly string[],
  collection: string | null,
): Record<string, unknown> {
  if (typeof input !== "object" || input === null || Array.isArray(input)) {
    throw new HealingError("invalid_argument", "settings must be a JSON object", {
      detail: `Got ${JSON.stringify(input)}.`,
      hint: `Try: SELECT ruvector_healing_configure('{"min_healing_interval_seconds": 300}');`,
    });
  }
  for (const [key, value] of Object.entries(input)) {
    const setting = SETTINGS.find((candidate) => candidate.key === key);
    if (!setting) {
      throw new HealingError("unknown_setting", `unknown setting "${key}"`, {
        detail:
          `Key "${key}" with value ${JSON.stringify(value)} is not a setting of ` +
          "ruvector_healing.",
        hint:
          `Did you mean "${nearest(key, SETTING_KEYS)}"? SELECT key, range, description FROM ` +
          "ruvector_healing_config(); lists them all.",
      });
    }
    if (collection !== null && !setting.per_collection) {
      throw new HealingError(
        "invalid_argument",
        `setting "${key}" cannot be set for one collection`,
        {
          detail: `Given for collection ${collection}.`,
          hint: "Leave out the collection to set it for all.",
        },
      );
    }
    // null takes a setting back to what it inherits.
    if (value === null) continue;
    if (setting.type === "windows") checkWindows(value);
    if (setting.type === "modes") checkStrategyModes(value, strategies);
    if (isPlain(setting) && !schemaOf(setting, strategies).safeParse(value).success) {
      throw new HealingError(
        "invalid_argument",
        `setting "${key}" wants ${wanted(setting, strategies)}`,
        {
          detail: `Got ${JSON.stringify(value)}.`,
          hint:
            `The default is ${JSON.stringify(setting.default)}; null takes the setting back to ` +
            "what it inherits.",
        },
      );
    }
  }
  return input as Record<string, unknown>;
}

/** Whose settings are checked. */
interface Layer {
  /** A collection; null: all. */
  readonly name: string | null;
  readonly own: boolean;
}

/**
 * Rules between settings, checked on the effective document.
 * @param given what is being set: what was kept from before the second rule holds up no other
 *   change
 * @param layer whose settings these are; own: what is being set is set there
 */
export function checkTogether(
  configuration: Configuration,
  given: Readonly<Record<string, unknown>>,
  layer: Layer,
): void {
  if (configuration.critical_threshold >= configuration.stress_threshold) {
    throw new HealingError(
      "invalid_argument",
      "critical_threshold must be below stress_threshold",
      {
        detail:
          `critical_threshold is ${configuration.critical_threshold}, stress_threshold is ` +
          `${configuration.stress_threshold}.`,
        hint: "Set both in one call.",
      },
    );
  }
  checkRetries(configuration, given, layer);
  const { stress_threshold, recovery_margin } = configuration;
  // lambda is 1 at most: a state that is left only above that is never left.
  const asked = ["stress_threshold", "recovery_margin"].some((key) => given[key] !== undefined);
  if (asked && stress_threshold + recovery_margin >= 1) {
    throw new HealingError(
      "invalid_argument",
      "stress_threshold and recovery_margin together must be below 1",
      {
        detail:
          `stress_threshold is ${stress_threshold}, recovery_margin is ${recovery_margin}: ` +
          "stress would be left above their sum only, and lambda is 1 where all is well.",
        hint: "Set both in one call.",
      },
    );
  }
}

/** The longest rest is none where the shortest is longer. */
function checkRetries(
  { strategy_retry_seconds: least, strategy_retry_max_seconds: most }: Configuration,
  given: Readonly<Record<string, unknown>>,
  { name, own }: Layer,
): void {
  const keys = ["strategy_retry_seconds", "strategy_retry_max_seconds"] as const;
  if (most >= least || keys.every((key) => given[key] === undefined)) return;
  const wanted = given[keys[0]] == null ? most : least;
  const set = (value: number | null): string => {
    const settings = JSON.stringify(Object.fromEntries(keys.map((key) => [key, value])));
    return `SELECT ruvector_healing_configure('${settings}'${
      name === null ? "" : `, ${sqlLiteral(name)}`
    });`;
  };
  throw new HealingError(
    "invalid_argument",
    "strategy_retry_max_seconds must not be below strategy_retry_seconds",
    {
      detail:
        `strategy_retry_max_seconds would be ${most}, strategy_retry_seconds ${least}` +
        `${own || name === null ? "" : ` of ${name}, which has a value of its own`}: the ` +
        "longest rest of a strategy that fails cannot be shorter than the first.",
      hint: own
        ? `Set both in one call: ${set(wanted)}`
        : `${set(null)} has it follow what is set for all; then type yours again.`,
    },
  );
}
