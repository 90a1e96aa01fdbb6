/** Times of an action that lie ahead of the server's clock, because that was set back. */
import sql from "sql-template-tag";
import type { Host } from "../host/host.ts";
import type { Action } from "../model/action.ts";
import { actionById, recordActionEvent } from "./actions.ts";
import { waitsForWindow } from "../model/action.ts";

/** Seconds: less is a clock that is kept in time, and nobody has to hear of it. */
const WORTH_TELLING = 5;

/**
 * An action that was changed at a time that has not come: the clock was set back, and its times go
 * with it. What it waits for, and until when, is as far away as it was then: it would wait until
 * the old time comes again, for hours. With it go the requests and jobs that it has open. A
 * window's opening is a time of day, and stays.
 */
export function followClock(host: Host, action: Action): Action {
  const seconds = action.updated_at - action.now;
  if (seconds <= 0) return action;
  host.execute(sql`
    WITH back AS (SELECT make_interval(secs => ${seconds}::float8) AS by),
    jobs AS (
      UPDATE ruvector.healing_jobs
         SET start_at = start_at - by, start_by = start_by - by, deadline = deadline - by,
             started_at = started_at - by, missing_since = missing_since - by,
             withdrawn_at = withdrawn_at - by
        FROM back WHERE action_id = ${action.id}::bigint AND state IN ('scheduled', 'running')
    ), requests AS (
      UPDATE ruvector.healing_actuations
         SET requested_at = requested_at - by, deadline = deadline - by, taken_at = taken_at - by,
             claimed_until = claimed_until - by
        FROM back WHERE action_id = ${action.id}::bigint AND state IN ('requested', 'taken')
    )
    UPDATE ruvector.healing_actions
       SET stabilize_until = stabilize_until - by, started_at = started_at - by,
           deadline = CASE WHEN ${waitsForWindow(action)}::boolean THEN deadline
             ELSE deadline - by END,
           updated_at = clock_timestamp()
      FROM back WHERE id = ${action.id}::bigint`);
  if (seconds >= WORTH_TELLING)
    recordActionEvent(
      host,
      action,
      "clock_set_back",
      `the server's clock was set back by ${Math.round(seconds)} s: the action's times go with it`,
      { seconds },
    );
  return actionById(host, action.id);
}
