/** What a setting is. */
import { DEFAULT_CURVES } from "../../graph/health.ts";

export type SettingType =
  | "boolean"
  | "number"
  | "integer"
  | "names"
  | "choice"
  | "text"
  | "curve"
  | "windows"
  | "modes";

export interface SettingDefinition {
  readonly key: string;
  readonly type: SettingType;
  readonly unit: string;
  /** For numbers: inclusive bounds. For texts max is the greatest length. */
  readonly min?: number;
  readonly max?: number;
  /**
   * For choices: what may be chosen. For name lists: the names that may stand in it (undefined:
   * names of strategies, checked against the registry).
   */
  readonly names?: readonly string[];
  readonly default:
    | boolean
    | number
    | string
    | readonly string[]
    | readonly number[]
    | Readonly<Record<string, string>>;
  readonly description: string;
  /** false: one value for the whole installation, refused with a collection. */
  readonly per_collection: boolean;
}

export const number = (
  key: string,
  unit: string,
  [min, max]: readonly [min: number, max: number],
  value: number,
  description: string,
): SettingDefinition => ({
  key,
  type: "number",
  unit,
  min,
  max,
  default: value,
  description,
  per_collection: true,
});

export const integer = (
  key: string,
  unit: string,
  [min, max]: readonly [min: number, max: number],
  value: number,
  description: string,
): SettingDefinition => ({ ...number(key, unit, [min, max], value, description), type: "integer" });

export const flag = (key: string, value: boolean, description: string): SettingDefinition => ({
  key,
  type: "boolean",
  unit: "true or false",
  default: value,
  description,
  per_collection: true,
});

/** One value for the whole installation. */
export const overall = (setting: SettingDefinition): SettingDefinition => ({
  ...setting,
  per_collection: false,
});

export const curve = (
  key: keyof typeof DEFAULT_CURVES,
  unit: string,
  description: string,
): SettingDefinition => ({
  key,
  type: "curve",
  unit: `[fine, stress, critical], ${unit}`,
  default: [DEFAULT_CURVES[key].fine, DEFAULT_CURVES[key].stress, DEFAULT_CURVES[key].critical],
  description,
  per_collection: true,
});

export const DAY = 86_400;
export const GIB = 1024 ** 3;
/** More than any server holds, and a number that JavaScript keeps exactly. */
export const BYTES = 1024 ** 5;
