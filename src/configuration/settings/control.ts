/** What the loop may do by itself, and when. */
import { PROBLEM_CLASSES } from "../../model/problem.ts";
import { MODES } from "../../model/configuration.ts";
import { DAY, flag, integer, number, type SettingDefinition } from "./define.ts";

export const CONTROL: readonly SettingDefinition[] = [
  flag(
    "enabled",
    true,
    "Whether the loop may start actions. A human's ruvector_healing_execute works either way.",
  ),
  {
    key: "mode",
    type: "choice",
    unit: MODES.join(", "),
    names: MODES,
    default: "auto",
    description:
      "How far the loop may go: off does nothing, observe keeps what it would have done and " +
      "scores that later, recommend shows it with the statement that does it, approve waits " +
      "for ruvector_healing_approve, auto acts. See docs/control.md.",
    per_collection: true,
  },
  {
    key: "strategy_modes",
    type: "modes",
    unit: "object of strategies and modes",
    default: {},
    description:
      'Modes of single strategies, e.g. {"drain_hot_partition": "approve"}; the more careful ' +
      "of this and mode holds. Strategies that are not named keep what they have; null takes " +
      "one back.",
    per_collection: true,
  },
  number(
    "min_healing_interval_seconds",
    "seconds",
    [0, 30 * DAY],
    300,
    "Cooldown: least time between the end of one automatic action on a collection and the " +
      "start of the next.",
  ),
  number(
    "settle_seconds",
    "seconds",
    [0, 30 * DAY],
    900,
    "A new collection is watched first: the loop begins no action on it before so long after " +
      "its registration. What a person asks for is not held back.",
  ),
  integer(
    "settle_samples",
    "samples",
    [0, 100_000],
    20,
    "Nor before so many samples of it: 20 are 100 s of a loop that runs every 5 s, and 20 " +
      "minutes of one that runs every minute.",
  ),
  integer(
    "max_attempts_per_hour",
    "actions",
    [0, 1000],
    3,
    "Most actions started on a collection within an hour; 0 stops them all.",
  ),
  number(
    "max_auto_heal_impact",
    "impact, 0 to 1",
    [0, 1],
    0.5,
    "Strategies with a higher impact are not chosen by the loop.",
  ),
  {
    key: "require_approval",
    type: "names",
    unit: "problem classes",
    names: PROBLEM_CLASSES,
    default: [],
    description: "Problem classes whose actions wait for ruvector_healing_approve.",
    per_collection: true,
  },
  {
    key: "require_approval_strategies",
    type: "names",
    unit: "strategies",
    default: ["scale_replicas"],
    description: "Strategies whose actions wait for ruvector_healing_approve.",
    per_collection: true,
  },
  flag(
    "learning_enabled",
    true,
    "Whether outcomes change the weights that select a strategy. Outcomes are recorded either way.",
  ),
  number(
    "approval_ttl_seconds",
    "seconds",
    [1, 30 * DAY],
    DAY,
    "An action that waits for approval longer than this expires.",
  ),
  number(
    "rejection_seconds",
    "seconds",
    [0, 30 * DAY],
    DAY,
    "A strategy whose action a person rejected, rolled back or aborted is left alone by the " +
      "loop for so long, for that problem class on that collection. A day: until whoever did " +
      "it can have looked into it.",
  ),
  {
    key: "maintenance_windows",
    type: "windows",
    unit: `list of windows {"days", "from", "to", "time_zone"}`,
    default: [],
    description:
      "Hours in which the loop may begin actions; [] is at any time. What a window leaves " +
      "out: every day, from 00:00, to 24:00, in UTC. See docs/control.md.",
    per_collection: true,
  },
];
