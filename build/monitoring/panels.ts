/** The panels of the dashboard: what each shows, and how. */
import { SETTINGS } from "../definitions.ts";

interface Target {
  readonly expr: string;
  readonly legend: string;
}

interface Panel {
  readonly title: string;
  /** For whoever looks at it for the first time. */
  readonly description: string;
  readonly targets: readonly Target[];
  readonly shape: Shape;
}

interface Shape {
  readonly type: "timeseries" | "state-timeline" | "stat" | "table";
  readonly width: number;
  readonly height: number;
  readonly defaults?: Readonly<Record<string, unknown>>;
  readonly options?: Readonly<Record<string, unknown>>;
}

/** Which collections the panels show. */
export const CHOSEN = 'job=~"$job", collection=~"$collection"';
const JOB = 'job=~"$job"';

const STATES = {
  type: "value",
  options: {
    0: { text: "normal", color: "green", index: 0 },
    1: { text: "stress", color: "orange", index: 1 },
    2: { text: "critical", color: "red", index: 2 },
  },
};
const BREAKER = {
  type: "value",
  options: {
    0: { text: "closed", color: "green", index: 0 },
    1: { text: "half open", color: "orange", index: 1 },
    2: { text: "open", color: "red", index: 2 },
  },
};
const AUDIT = {
  type: "value",
  options: {
    0: { text: "changed", color: "red", index: 0 },
    1: { text: "intact", color: "green", index: 1 },
  },
};

const steps = (...pairs: readonly (readonly [string, number | null])[]) => ({
  mode: "absolute",
  steps: pairs.map(([color, value]) => ({ color, value })),
});

const defaultOf = (key: string): number =>
  Number(SETTINGS.find((setting) => setting.key === key)?.default);

const STRESS = defaultOf("stress_threshold");
const CRITICAL = defaultOf("critical_threshold");
const LAMBDA = steps(["red", null], ["orange", CRITICAL], ["green", STRESS]);

const line = (unit: string, defaults: Readonly<Record<string, unknown>> = {}): Shape => ({
  type: "timeseries",
  width: 12,
  height: 8,
  defaults: { unit, ...defaults },
});
const stat = (unit: string, defaults: Readonly<Record<string, unknown>> = {}): Shape => ({
  type: "stat",
  width: 4,
  height: 4,
  defaults: { unit, ...defaults },
});

const show = (expr: string, legend: string): Target => ({ expr, legend });

/** In rows from left to right; a row is 24 wide. */
export const PANELS: readonly Panel[] = [
  {
    title: "Worst lambda",
    description:
      "The lowest lambda of the collections chosen: how much is left of the weakest way to " +
      "split one in two. 1 is as designed.",
    targets: [show(`min(ruvector_integrity_lambda{${CHOSEN}})`, "lambda")],
    shape: stat("none", {
      decimals: 2,
      min: 0,
      max: 1,
      thresholds: LAMBDA,
    }),
  },
  {
    title: "Success rate, 24 h",
    description:
      "Share of the last 24 hours' actions that were verified to have helped; nothing where " +
      "nothing was tried.",
    targets: [show(`avg(ruvector_healing_success_rate{${CHOSEN}})`, "rate")],
    shape: stat("percentunit", {
      thresholds: steps(["red", null], ["orange", 0.5], ["green", 0.8]),
    }),
  },
  {
    title: "Mean time to recovery, 30 d",
    description:
      "From the first sample below the stress threshold to the verified end, over 30 days.",
    targets: [show(`avg(ruvector_healing_time_to_recovery_seconds{${CHOSEN}})`, "MTTR")],
    shape: stat("s"),
  },
  {
    title: "Circuit breaker",
    description:
      "Open: the loop begins nothing, because actions failed one after the other. " +
      "ruvector_healing_breaker() says why.",
    targets: [show(`max(ruvector_healing_breaker_state{${JOB}})`, "breaker")],
    shape: stat("none", { mappings: [BREAKER] }),
  },
  {
    title: "Since the last tick",
    description: "The loop runs every few seconds. Above two minutes nothing is sensed or healed.",
    targets: [
      show(
        `max(ruvector_healing_tick_lag_seconds{${JOB}} unless on (job, instance) ` +
          "ruvector_healing_in_recovery == 1)",
        "lag",
      ),
    ],
    shape: stat("s", { thresholds: steps(["green", null], ["orange", 60], ["red", 120]) }),
  },
  {
    title: "Audit trail",
    description:
      "Whether the last 100 events are as they were written. Changed: a security incident.",
    targets: [show(`min(ruvector_healing_audit_intact{${JOB}})`, "audit")],
    shape: stat("none", { mappings: [AUDIT] }),
  },
  {
    title: "lambda",
    description:
      `Worst surviving fraction of the designed connectivity. Below ${STRESS} is stress, below ` +
      `${CRITICAL} critical.`,
    targets: [show(`ruvector_integrity_lambda{${CHOSEN}}`, "{{collection}}")],
    shape: line("none", {
      min: 0,
      max: 1,
      thresholds: LAMBDA,
      custom: { thresholdsStyle: { mode: "line" } },
    }),
  },
  {
    title: "Integrity state",
    description:
      "What the loop decides by: lambda with hysteresis, so that one bad sample is no " + "state.",
    targets: [show(`ruvector_integrity_state{${CHOSEN}}`, "{{collection}}")],
    shape: {
      type: "state-timeline",
      width: 12,
      height: 8,
      defaults: { mappings: [STATES] },
      options: { mergeValues: true, showValue: "never" },
    },
  },
  {
    title: "Actions under way",
    description: "One line for each action and state it passes through.",
    targets: [
      show(
        "max by (collection, strategy, state, action_id) " +
          `(ruvector_healing_action_age_seconds{${CHOSEN}})`,
        "{{collection}} {{strategy}} {{state}} (action {{action_id}})",
      ),
    ],
    shape: line("s"),
  },
  {
    title: "Actions begun and ended",
    description: "Bars by strategy as they begin, and by the state they end in.",
    targets: [
      show(
        "sum by (strategy) " +
          `(increase(ruvector_healing_attempts_total{${CHOSEN}}[$__rate_interval]))`,
        "begun: {{strategy}}",
      ),
      show(
        `sum by (state) (increase(ruvector_healing_actions_total{${CHOSEN}}[$__rate_interval]))`,
        "{{state}}",
      ),
    ],
    shape: line("short", { custom: { drawStyle: "bars", stacking: { mode: "normal" } } }),
  },
  {
    title: "Refusals in force",
    description: "How long the reason that holds healing up has stood.",
    targets: [
      show(
        `ruvector_healing_refusal_age_seconds{${CHOSEN}, reason!="healthy"}`,
        "{{collection}}: {{reason}}",
      ),
    ],
    shape: line("s"),
  },
  {
    title: "Refusals by reason",
    description:
      "Evaluations a second that ended in no action, by the guard that stood in the way.",
    targets: [
      show(
        `sum by (reason) (rate(ruvector_healing_refusals_total{${CHOSEN}, ` +
          `reason!="healthy"}[$__rate_interval]))`,
        "{{reason}}",
      ),
    ],
    shape: line("ops"),
  },
  {
    title: "Mean time to recovery",
    description: "Of the actions verified within each window of six hours.",
    targets: [
      show(
        "sum by (collection) " +
          `(increase(ruvector_healing_recovery_seconds_sum{${CHOSEN}}[6h])) / sum by ` +
          `(collection) (increase(ruvector_healing_recovery_seconds_count{${CHOSEN}}[6h]))`,
        "{{collection}}",
      ),
    ],
    shape: line("s"),
  },
  {
    title: "Duration of actions",
    description: "From an action's start to its end: nine of ten were shorter, over 30 days.",
    targets: [
      show(
        `ruvector_healing_duration_seconds{${CHOSEN}, quantile="0.9"}`,
        "{{collection}} {{strategy}} p90",
      ),
    ],
    shape: line("s"),
  },
  {
    title: "Predicted and final lambda",
    description:
      "What the plan of the last judged action foresaw, and what came of it. Far apart: the " +
      "model of that problem is off.",
    targets: [
      show(`ruvector_healing_predicted_lambda{${CHOSEN}}`, "{{collection}} {{strategy}} predicted"),
      show(`ruvector_healing_final_lambda{${CHOSEN}}`, "{{collection}} {{strategy}} final"),
    ],
    shape: line("none", { min: 0, max: 1 }),
  },
  {
    title: "Waiting for approval, leases, unmeasured",
    description:
      "What waits for a human; throttles, paused jobs and closed routes in force; what this " +
      "role could not measure.",
    targets: [
      show(
        `ruvector_healing_approval_age_seconds{${CHOSEN}} / 60`,
        "approval of action {{action_id}}, minutes",
      ),
      show(`ruvector_healing_leases_active{${CHOSEN}}`, "{{collection}}: {{kind}}"),
      show(`ruvector_integrity_unmeasured{${CHOSEN}} > 0`, "{{collection}}: unmeasured"),
    ],
    shape: line("short"),
  },
  {
    title: "Ticks",
    description: "How long a turn of the loop takes, how late it is, and its errors.",
    targets: [
      show(`ruvector_healing_tick_duration_seconds{${JOB}}`, "{{instance}} duration"),
      show(`ruvector_healing_tick_lag_seconds{${JOB}}`, "{{instance}} lag"),
      show(
        `increase(ruvector_healing_tick_errors_total{${JOB}}[$__rate_interval])`,
        "{{instance}} errors",
      ),
    ],
    shape: line("s"),
  },
  {
    title: "Time of a sample",
    description: "How long measuring a collection takes: the loop's cost.",
    targets: [show(`ruvector_integrity_sample_duration_seconds{${CHOSEN}}`, "{{collection}}")],
    shape: line("s"),
  },
];
