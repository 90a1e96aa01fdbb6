/** Each strategy's own, and when one is left alone. */
import { DAY, integer, number, overall, type SettingDefinition } from "./define.ts";

export const STRATEGIES: readonly SettingDefinition[] = [
  {
    key: "scale_workload",
    type: "text",
    unit: "name of a workload, as its actuator reports it",
    max: 253,
    default: "",
    description:
      "The workload whose replicas scale_replicas scales, e.g. a Kubernetes deployment; " +
      "empty: none.",
    per_collection: true,
  },
  integer("max_replicas", "replicas", [1, 1000], 10, "scale_replicas asks for no more."),
  number(
    "actuation_timeout_seconds",
    "seconds",
    [1, DAY],
    300,
    "How long scale_replicas waits for the actuator's answer; a later one is refused.",
  ),
  number(
    "actuator_report_seconds",
    "seconds",
    [1, DAY],
    60,
    "An actuator that has not reported for longer is taken for gone, and is asked for nothing.",
  ),
  number(
    "drain_seconds",
    "seconds",
    [0, 3600],
    30,
    "pause_maintenance waits this long for running pg_cron jobs to end; what still runs then " +
      "is left alone.",
  ),
  number(
    "pause_seconds",
    "seconds",
    [1, DAY],
    900,
    "Longest time for which pause_maintenance keeps a pg_cron job paused.",
  ),
  number(
    "throttle_seconds",
    "seconds",
    [1, DAY],
    300,
    "How long throttle_ingestion holds inserts back; it ends by itself.",
  ),
  {
    key: "throttle_mode",
    type: "choice",
    unit: "delay or reject",
    names: ["delay", "reject"],
    default: "delay",
    description:
      "What throttle_ingestion does to an insert: delay makes the session wait before it, " +
      "reject raises RV012 for a share of the statements.",
    per_collection: true,
  },
  number(
    "throttle_max_delay_seconds",
    "seconds",
    [0.01, 60],
    2,
    "Longest time for which a throttle delays one statement.",
  ),
  number(
    "kept_index_seconds",
    "seconds",
    [0, DAY],
    60,
    "How long rebuild_centroids keeps the old index after its action was verified, for a " +
      "rollback. Until then both are maintained, and the planner may use either.",
  ),

  number(
    "search_cost_ratio",
    "times",
    [1, 1000],
    2,
    "What a search may cost (blocks read) after tune_search, over what it cost before; and over " +
      "what one by a fresh index costs at the same setting, before it is stress (1.5 at least).",
  ),
  {
    key: "tune_roles",
    type: "text",
    unit: "names of roles, separated by commas",
    max: 2000,
    default: "",
    description:
      "Roles beside the table's owner for which tune_search sets hnsw.ef_search or " +
      "ivfflat.probes in this database: those that the application logs in as.",
    per_collection: true,
  },
  number(
    "tune_seconds",
    "seconds",
    [60, 365 * DAY],
    7 * DAY,
    "How long a setting of tune_search stays without being looked at again; as long as the loop " +
      "runs it is looked at every tune_recheck_seconds.",
  ),
  number(
    "tune_recheck_seconds",
    "seconds",
    [0, 30 * DAY],
    21_600,
    "How often, and after a rebuild at once, it is measured whether a setting of tune_search is " +
      "still needed.",
  ),
  {
    key: "repair_invalid_indexes",
    type: "boolean",
    unit: "true or false",
    default: false,
    description:
      "Lets rebuild_index REINDEX vector indexes that are INVALID by itself; on request it does " +
      "so always.",
    per_collection: true,
  },

  number(
    "strategy_retry_seconds",
    "seconds",
    [0, 30 * DAY],
    3600,
    "A strategy that failed or did not help rests for so long, for that problem class on " +
      "that collection; twice as long each time it fails alike again.",
  ),
  number(
    "strategy_retry_max_seconds",
    "seconds",
    [0, 30 * DAY],
    7 * DAY,
    "The longest such rest: the eighth failure alike in a row, from an hour on. Not below " +
      "strategy_retry_seconds.",
  ),
  overall(
    integer(
      "strategy_failure_collections",
      "collections",
      [1, 100_000],
      3,
      "A strategy that failed alike for a problem class on so many collections within a day " +
        "rests on all of them: it is the strategy then, and no reason to stop the loop.",
    ),
  ),
  number(
    "exploration_seconds",
    "seconds",
    [0, 30 * DAY],
    DAY,
    "A strategy of weight 0 (nothing it did for the class helped) is not taken; so long " +
      "after its last outcome it is tried once again, where no other can be used.",
  ),
  number(
    "ineffective_outcomes",
    "outcomes",
    [1, 100],
    3,
    "So many unverified outcomes in a row for a problem class within a day, and the loop " +
      "stops trying it.",
  ),
  number(
    "oscillation_window_seconds",
    "seconds",
    [0, 30 * DAY],
    6 * 3600,
    "Moves that take back what was moved within this time are an oscillation; the net-zero " +
      "move ratio is measured over it too. A load that turns once in a working day is " +
      "followed, one that swings is not.",
  ),
  number(
    "oscillation_share",
    "share, 0 to 1",
    [0.01, 1],
    0.5,
    "So much of a plan's rows going back to where an earlier action took rows from makes it " +
      "an oscillation.",
  ),
  number(
    "oscillation_suspend_seconds",
    "seconds",
    [0, 30 * DAY],
    6 * 3600,
    "How long a strategy that would have oscillated is left alone on the collection.",
  ),
];
