/** How an action is carried out and judged, and how much it may write. */
import { BYTES, DAY, GIB, integer, number, overall, type SettingDefinition } from "./define.ts";
import { ABORT_RATIO, VERIFY_RATIO } from "../../graph/improvement.ts";

export const ACTING: readonly SettingDefinition[] = [
  number(
    "stabilize_seconds",
    "seconds",
    [0, 3600],
    10,
    "Wait between the last change of an action and its verification.",
  ),
  number(
    "verify_ratio",
    "ratio",
    [1, 10],
    VERIFY_RATIO,
    "An action is verified when lambda exceeds this times the initial lambda.",
  ),
  number(
    "abort_ratio",
    "ratio",
    [0, 1],
    ABORT_RATIO,
    "A slice is undone when lambda falls below this times the initial lambda.",
  ),
  number(
    "target_lambda",
    "lambda, 0 to 1",
    [0.01, 1],
    1,
    "An action stops as soon as lambda reaches this.",
  ),
  integer(
    "batch_rows",
    "rows",
    [1, 10_000],
    10_000,
    "Most rows moved by one transaction of a slice. How many it is follows from what they take: " +
      "50 to 100 ms, for a writer that meets a row in flight waits for that transaction; fewer, " +
      "with rests between, where others feel it.",
  ),
  number("slice_seconds", "seconds", [0.01, 60], 1, "Time that one tick gives to one action."),
  integer(
    "max_moves",
    "rows",
    [1, 1_000_000_000],
    1_000_000,
    "Most rows that one action may move.",
  ),
  integer(
    "max_bytes_per_action",
    "bytes",
    [0, BYTES],
    16 * GIB,
    "Most bytes of rows and index entries that one action may write anew. A million rows " +
      "(max_moves) of 1,536 dimensions with an ivfflat index are 12 GiB.",
  ),
  integer(
    "max_wal_bytes_per_action",
    "bytes",
    [0, BYTES],
    16 * GIB,
    "Most write-ahead log that one action may write. 16 GiB are under 3 minutes of what a " +
      "disk, archive or replica takes at 100 MB/s.",
  ),
  integer(
    "max_locks_per_action",
    "relations",
    [0, 1_000_000],
    2000,
    "Most relations that one action may have locked at once. A server with default settings " +
      "has room for 6,400 locks of all sessions together; 256 partitions exchanged with their " +
      "indexes are some 1,100.",
  ),
  integer(
    "max_rows_per_hour",
    "rows",
    [0, 1_000_000_000_000],
    3_000_000,
    "Most rows moved on a collection within an hour: max_attempts_per_hour times max_moves.",
  ),
  integer(
    "max_bytes_per_hour",
    "bytes",
    [0, BYTES],
    48 * GIB,
    "The same for bytes of rows and index entries: three times max_bytes_per_action.",
  ),
  integer("max_wal_bytes_per_hour", "bytes", [0, BYTES], 48 * GIB, "The same for write-ahead log."),
  overall(
    integer(
      "max_server_rows_per_hour",
      "rows",
      [0, 1_000_000_000_000],
      10_000_000,
      "Most rows moved within an hour on all collections together.",
    ),
  ),
  overall(
    integer(
      "max_server_bytes_per_hour",
      "bytes",
      [0, BYTES],
      128 * GIB,
      "The same for bytes of rows and index entries.",
    ),
  ),
  overall(
    integer(
      "max_server_wal_bytes_per_hour",
      "bytes",
      [0, BYTES],
      128 * GIB,
      "The same for write-ahead log: 128 GiB an hour are 36 MiB/s, a third of what 1 Gbit/s " +
        "carries to a replica or an archive.",
    ),
  ),
  integer(
    "lock_timeout_ms",
    "milliseconds",
    [1, 60_000],
    200,
    "Longest wait for a lock; nobody queues behind the loop for longer.",
  ),
  number(
    "drain_lease_seconds",
    "seconds",
    [1, 30 * DAY],
    3600,
    "How long drain_hot_partition keeps a partition closed to routed inserts.",
  ),
  integer(
    "max_retries",
    "slices",
    [0, 100],
    5,
    "Slices in a row that may fail on locks or serialization before the action is rolled back.",
  ),
  number(
    "rollback_timeout_seconds",
    "seconds",
    [1, 30 * DAY],
    3600,
    "An undo that is not finished by then ends as rollback_failed and says what is left.",
  ),
];
