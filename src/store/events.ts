/** Events: what the loop did, and what people did to it. */
import sql from "sql-template-tag";
import type { Host } from "../host/host.ts";
import type { Action } from "../model/action.ts";

export interface Event {
  readonly collection_id?: number | null;
  readonly collection?: string | null;
  readonly action_id?: string | null;
  readonly kind: string;
  readonly message: string;
  readonly details?: unknown;
  /** Of its log line; log by default. */
  readonly level?: "log" | "warning";
}

/** Writes an event and its line in the server's log: what a DBA greps for, with the action id. */
export function recordEvent(host: Host, event: Event): void {
  host.execute(sql`
    INSERT INTO ruvector.healing_events (collection_id, collection, action_id, kind, message,
      details)
    VALUES (${event.collection_id ?? null}::int, ${event.collection ?? null},
      ${event.action_id ?? null}::bigint,
            ${event.kind}, ${event.message}, ${JSON.stringify(event.details ?? {})}::jsonb)`);
  const about = [event.collection, event.action_id ? `action ${event.action_id}` : null]
    .filter(Boolean)
    .join(", ");
  const line = `${event.kind}${about ? ` (${about})` : ""}: ${event.message}`;
  if (event.level === "warning") host.warn(line);
  else host.log(line);
}

/** An event of an action. */
export interface ActionEvent {
  readonly kind: string;
  readonly at: number;
  readonly message: string;
  readonly actor: string;
  readonly from: string | null;
}

/**
 * Events of the action, oldest first. They are kept history_days: an old action may have none left.
 */
export const eventsOf = (host: Host, action: Action): readonly ActionEvent[] =>
  host.query<ActionEvent>(sql`
    SELECT kind, extract(epoch FROM at)::float8 AS at, message, actor, details ->> 'from' AS "from"
      FROM ruvector.healing_events WHERE action_id = ${action.id}::bigint ORDER BY id LIMIT 200`);
