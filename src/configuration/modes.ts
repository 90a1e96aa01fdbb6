/** How far the loop may go by itself. Pure. */
import { type Mode, MODES } from "../model/configuration.ts";
import { HealingError } from "../base/errors.ts";
import { nearest } from "../base/nearest.ts";

export interface ModeSettings {
  readonly mode: Mode;
  readonly strategy_modes: Readonly<Record<string, Mode>>;
}

/**
 * The more careful of the collection's mode and the strategy's, and which setting it comes from.
 * @param strategy null: none is chosen yet; then the collection's alone
 */
export function effectiveMode(
  { mode, strategy_modes }: ModeSettings,
  strategy: string | null,
): { readonly mode: Mode; readonly setting: "mode" | "strategy_modes" } {
  const own =
    strategy !== null && Object.prototype.hasOwnProperty.call(strategy_modes, strategy)
      ? strategy_modes[strategy]
      : undefined;
  return own !== undefined && MODES.indexOf(own) < MODES.indexOf(mode)
    ? { mode: own, setting: "strategy_modes" }
    : { mode, setting: "mode" };
}

/**
 * Whether an action of it is planned and carried out; otherwise what it would do is kept for people
 * to see.
 */
export const acts = (mode: Mode): mode is "approve" | "auto" =>
  mode === "approve" || mode === "auto";

/**
 * @throws HealingError RV001 for what is no object of strategies and modes, RV004 for a strategy
 *   that there is not (HINT: the nearest)
 */
export function checkStrategyModes(input: unknown, strategies: readonly string[]): void {
  if (typeof input !== "object" || input === null || Array.isArray(input)) {
    throw new HealingError(
      "invalid_argument",
      'setting "strategy_modes" wants a JSON object of strategies and their modes',
      {
        detail: `Got ${(JSON.stringify(input) ?? "nothing").slice(0, 200)}.`,
        hint:
          'For example {"drain_hot_partition": "approve"}; {"drain_hot_partition": null} takes ' +
          "one back, null all of them.",
      },
    );
  }
  for (const [name, mode] of Object.entries(input)) {
    if (!strategies.includes(name)) {
      throw new HealingError("unknown_strategy", `there is no strategy "${name.slice(0, 200)}"`, {
        detail:
          `Given in strategy_modes with mode ${JSON.stringify(mode).slice(0, 200)}; known: ` +
          `${strategies.join(", ")}.`,
        hint: `Did you mean "${nearest(name, strategies)}"?`,
      });
    }
    if (mode !== null && !(MODES as readonly unknown[]).includes(mode)) {
      throw new HealingError(
        "invalid_argument",
        `strategy_modes: the mode of ${name} must be one of ${MODES.join(", ")}`,
        {
          detail: `Got ${JSON.stringify(mode).slice(0, 200)}.`,
          hint: `Did you mean "${nearest(String(mode), MODES)}"? null takes it back.`,
        },
      );
    }
  }
}
