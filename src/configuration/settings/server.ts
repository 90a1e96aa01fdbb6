/** The whole installation: how much at once, the circuit breaker, what is kept. */
import { DAY, integer, number, overall, type SettingDefinition } from "./define.ts";

export const SERVER: readonly SettingDefinition[] = [
  overall(
    integer(
      "max_active_actions",
      "actions",
      [0, 1000],
      4,
      "Most actions at work at once, over all collections. Each has slice_seconds of a tick: " +
        "four of 1 s are most of a tick every 5 s. 0: none begins but what a person executes.",
    ),
  ),
  overall(
    integer(
      "breaker_failures",
      "actions",
      [1, 1000],
      5,
      "So many actions that endangered the server (docs/limits.md) within " +
        "breaker_window_seconds, over all collections, open the circuit breaker. A collection " +
        "has 3 attempts an hour (max_attempts_per_hour): 5 are more than one collection's own " +
        "trouble.",
    ),
  ),
  overall(
    number(
      "breaker_window_seconds",
      "seconds",
      [1, 30 * DAY],
      3600,
      "How long such an action counts for the circuit breaker.",
    ),
  ),
  overall(
    number(
      "breaker_open_seconds",
      "seconds",
      [1, DAY],
      900,
      "How long the circuit breaker stays open before one action is let through; twice as " +
        "long each time it opens again, a day at most.",
    ),
  ),
  number(
    "refusal_escalation_seconds",
    "seconds",
    [1, 30 * DAY],
    3600,
    "A refusal that lasts longer is escalated: an event, a warning in the log and " +
      "escalated_at. A problem of unknown class is after 5 minutes; a cooldown, an action at " +
      "work, a maintenance window that will open and what a person switched off never are.",
  ),
  integer(
    "history_days",
    "days",
    [1, 3650],
    30,
    "Events, refusals and row journals older than this are removed.",
  ),
  integer(
    "sample_days",
    "days",
    [1, 3650],
    7,
    "Samples older than this are removed. History thins before: after an hour the worst of each " +
      "minute stays, after a day the worst of each hour (8.6 MB a collection a week).",
  ),
];
