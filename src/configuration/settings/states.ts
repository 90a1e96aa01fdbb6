/** From samples to the states normal, stress and critical. */
import { DAY, integer, number, type SettingDefinition } from "./define.ts";
import { HEALTH_AT_CRITICAL, HEALTH_AT_STRESS } from "../../graph/health.ts";

export const STATES: readonly SettingDefinition[] = [
  number(
    "stress_threshold",
    "lambda, 0 to 1",
    [0.01, 0.99],
    HEALTH_AT_STRESS,
    "Below it for stress_samples samples in a row: stress.",
  ),
  number(
    "critical_threshold",
    "lambda, 0 to 1",
    [0, 0.98],
    HEALTH_AT_CRITICAL,
    "Below it for critical_samples samples in a row: critical. Must be below stress_threshold.",
  ),
  integer(
    "stress_samples",
    "samples",
    [1, 1000],
    3,
    "Samples in a row below stress_threshold that make stress.",
  ),
  integer(
    "critical_samples",
    "samples",
    [1, 1000],
    2,
    "Samples in a row below critical_threshold that make critical.",
  ),
  number(
    "recovery_margin",
    "lambda",
    [0, 0.5],
    0.05,
    "A state is left upwards only above its threshold plus this. Together with stress_threshold " +
      "it must be below 1.",
  ),
  number(
    "recovery_hold_seconds",
    "seconds",
    [0, DAY],
    60,
    "How long lambda must hold above threshold plus margin before the state goes up.",
  ),
  number(
    "min_transition_interval_seconds",
    "seconds",
    [0, DAY],
    30,
    "No two state transitions of a collection come closer than this.",
  ),
  number(
    "critical_mass",
    "share, 0 to 1",
    [0, 1],
    0.01,
    "Share of the collection's rows that the cut must separate before it counts as critical.",
  ),
];
