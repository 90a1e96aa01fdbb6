/**
 * Every configuration key: its type, unit, range, default and meaning, in one place.
 * The build writes this table into SQL as well (`ruvector.healing_setting_definitions()`), so what
 * `ruvector_healing_config()` prints and what `ruvector_healing_configure()` accepts cannot differ.
 */
import { CONTROL } from "./settings/control.ts";
import { STATES } from "./settings/states.ts";
import { SENSING } from "./settings/sensing.ts";
import { ACTING } from "./settings/acting.ts";
import { STRATEGIES } from "./settings/strategies.ts";
import { SERVER } from "./settings/server.ts";
import type { SettingDefinition } from "./settings/define.ts";

export const SETTINGS: readonly SettingDefinition[] = [
  ...CONTROL,
  ...STATES,
  ...SENSING,
  ...ACTING,
  ...STRATEGIES,
  ...SERVER,
];

/** For what makes its collection, its problem and its end by itself: demo, drills and tests. */
export const SETTLED = { settle_seconds: 0, settle_samples: 0 } as const;

export const SETTING_KEYS: readonly string[] = SETTINGS.map((setting) => setting.key);
