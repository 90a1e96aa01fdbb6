/** Settings change while an action is under way. */
import { BUSY } from "../tables.ts";
import type { Fault } from "./fault.ts";

interface Setting {
  readonly key: string;
  readonly value: unknown;
  readonly range: string | null;
}

/**
 * Any setting gets any value in its range, as the product itself describes them: new ones are found
 * here by themselves.
 */
export const configurationChanged: Fault = {
  name: "settings changed",
  weight: 6,
  explains: {},
  short: true,
  inject: async (world, choices) => {
    const all = await world.ask<Setting>(
      `SELECT key, default_value AS value, range FROM ruvector.healing_setting_definitions()
        ORDER BY place`,
    );
    const chosen: Record<string, unknown> = {};
    for (const { key, value, range } of choices.shuffled(all).slice(0, choices.int(1, 6))) {
      const bounds = /^(-?[\d.]+) to (-?[\d.]+)/.exec(range ?? "");
      if (typeof value === "boolean") chosen[key] = choices.chance(0.5);
      else if (typeof value === "number" && bounds) {
        const [low, high] = [Number(bounds[1]), Number(bounds[2])];
        const picked = choices.pick([low, high, value, low + (high - low) * choices.share() ** 4]);
        chosen[key] =
          Number.isInteger(value) && Number.isInteger(low) ? Math.round(picked) : picked;
      }
    }
    const table = choices.chance(0.5) ? BUSY.name : null;
    const answer = await world
      .ask("SELECT ruvector_healing_configure($1, $2)", [JSON.stringify(chosen), table])
      .catch((error: { code?: string; message?: string }) => {
        // Settings that belong to the whole installation, or that contradict each other, are
        // refused.
        if (error.code === "RV001" || error.code === "RV005") return null;
        throw error;
      });
    await world.whileTicks(choices.int(1, 2), 1.5);
    const reset = Object.fromEntries(Object.keys(chosen).map((key) => [key, null]));
    if (answer)
      await world.ask("SELECT ruvector_healing_configure($1, $2)", [JSON.stringify(reset), table]);
    await world.restoreSettings();
    return `${answer ? "" : "refused: "}${JSON.stringify(chosen)}${table ? ` for ${table}` : ""}`;
  },
};

export const healingOff: Fault = {
  name: "healing switched off and on",
  weight: 3,
  explains: {},
  inject: async (world, choices) => {
    await world.ask("SELECT ruvector_healing_configure('{\"enabled\": false}')");
    await world.whileTicks(choices.int(1, 2), 1.5);
    await world.restoreSettings();
    return "enabled";
  },
};
