/** What is not for the loop to decide alone. */
import { printable } from "../../base/text.ts";
import type { ApprovalRequired, GuardContext } from "./types.ts";

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
