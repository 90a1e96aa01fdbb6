/** What is not for the loop to decide alone. */
import { printable } from "../../base/text.ts";
import { configure } from "./text.ts";
import type { ApprovalRequired, GuardContext, Refusal } from "./types.ts";

export function approval({
  settings,
  problem_class,
  strategy,
}: GuardContext): ApprovalRequired | null {
  if (settings.require_approval.includes(problem_class)) {
    return {
      approval_required: `problems of class ${problem_class} need approval (require_approval)`,
    };
  }
  if (strategy && settings.require_approval_strategies.includes(strategy.name)) {
    return {
      approval_required:
        `strategy ${printable(strategy.name)} needs approval ` + "(require_approval_strategies)",
    };
  }
  return null;
}

export function impact({ strategy, settings, collection }: GuardContext): Refusal | null {
  if (!strategy || strategy.impact <= settings.max_auto_heal_impact) return null;
  return {
    reason: "impact",
    measured: strategy.impact,
    flips_at: `max_auto_heal_impact of ${strategy.impact} or more`,
    message:
      `impact ${strategy.impact} of ${printable(strategy.name)} is above max_auto_heal_impact ` +
      `${settings.max_auto_heal_impact}`,
    hint: configure(`{"max_auto_heal_impact": ${strategy.impact}}`, collection),
  };
}
