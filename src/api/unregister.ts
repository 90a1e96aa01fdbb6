import { forgetCollection } from "../store/collections.ts";
import { closeRefusals } from "../store/refusals.ts";
import sql from "sql-template-tag";
import { recordEvent } from "../store/events.ts";
import { HealingError } from "../base/errors.ts";
import { endDueLeases } from "../execute/leases.ts";
import type { Host } from "../host/host.ts";
import { leftIndexes } from "../store/built-indexes.ts";
import { routedWriters } from "../store/routes.ts";
import { closeForecasts } from "../store/forecasts.ts";
import { activeAction } from "../store/actions.ts";

/** `ruvector_healing_unregister`: forgets the collection; its table, outcomes and actions stay. */
export function unregister(host: Host, id: number): Record<string, unknown> {
  const active = activeAction(host, id);
  if (active) {
    throw new HealingError(
      "collection_busy",
      `action ${active.id} (${active.strategy_name}) is active on the collection`,
      {
        detail: "Forgetting the collection now would leave its undo without an owner.",
        hint:
          `SELECT ruvector_healing_abort(${active.id}); ` +
          "and let it finish, or wait for its end.",
      },
    );
  }
  if (endDueLeases(host, id, "the collection was unregistered") > 0) {
    throw new HealingError("collection_busy", "a lease of the collection could not be ended", {
      detail: "Something it has to put back is locked by another session.",
      hint: "Try again in a moment; the server's log says what was locked.",
    });
  }
  const hint = routedWriters(host, id);
  const left = leftIndexes(host, id);
  const name = forgetCollection(host, id);
  closeRefusals(host, id);
  closeForecasts(host, id, [], "the collection was unregistered");
  host.query(sql`SELECT ruvector.healing_forget_owners()`);
  recordEvent(host, {
    collection_id: id,
    collection: name,
    kind: "unregistered",
    message: `Unregistered ${name}.`,
  });
  const answer = { collection: name, unregistered: true, ...(left.length > 0 && { left }) };
  if (hint === null) return answer;
  return {
    ...answer,
    note:
      "INSERTs that leave the column to its DEFAULT, ruvector_healing_route(), fail from now on " +
      `(RV002): ${hint}`,
  };
}
