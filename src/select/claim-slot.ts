/**
 * What guards cannot decide by looking: two sessions that look at the same time both see room for
 * one more. Taken right before an action is kept, and given back by the end of the transaction,
 * however that ends. Nobody waits for anybody.
 */
import { placesTaken } from "../store/actions.ts";
import sql from "sql-template-tag";
import type { Host } from "../host/host.ts";
import type { Origin } from "../model/action.ts";
import type { Collection } from "../model/collection.ts";
import { breakerFacts } from "../store/breaker.ts";
import { breaker } from "./guards/breaker.ts";
import { globalLimit } from "./guards/active.ts";
import type { Refusal } from "./guards/types.ts";

export interface Turn {
  readonly refusal: Refusal | null;
  /** The action is the one that a half open circuit breaker lets through. */
  readonly probe: boolean;
}

/** @param waits the action waits for a human: it takes no place until it is approved */
export function takeTurn(host: Host, collection: Collection, origin: Origin, waits: boolean): Turn {
  if (origin === "execute" || waits) return { refusal: null, probe: false };
  const { others } = host.one<{ others: number | null }>(
    sql`SELECT ruvector.healing_claim_slot(${collection.id}::int) AS others`,
  );
  const refusal = globalLimit({
    active_total: placesTaken(host) + (others ?? Infinity),
    max_active_total: collection.settings.max_active_actions,
  });
  if (refusal) return { refusal, probe: false };
  const now = breakerFacts(host);
  const stopped = breaker({ breaker: now });
  if (stopped || now?.state !== "half_open") return { refusal: stopped, probe: false };
  const { mine } = host.one<{ mine: boolean }>(
    sql`SELECT ruvector.healing_breaker_probe() AS mine`,
  );
  return mine
    ? { refusal: null, probe: true }
    : { refusal: breaker({ breaker: { ...now, probe: "of another session" } }), probe: false };
}
