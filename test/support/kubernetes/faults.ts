/**
 * What goes wrong on the way: the next requests that fit are refused, held up, or cut off before or
 * after they took effect.
 */
import type { Resource } from "./resources.ts";
import { StatusError } from "./status.ts";

export interface Attempt {
  readonly verb: string;
  /** "deployments", "deployments/scale"; "" for discovery. */
  readonly resource: string;
  readonly path: string;
}

export type Fault =
  | {
      readonly kind: "status";
      readonly code: number;
      readonly reason: string;
      readonly message?: string;
      readonly retryAfter?: string;
    }
  /** Held up for so long, then answered. */
  | { readonly kind: "slow"; readonly milliseconds: number }
  /** The connection is closed without an answer: before the request was carried out, or after. */
  | { readonly kind: "drop"; readonly when: "before" | "after" }
  /** The connection ends in the middle of the answer. */
  | { readonly kind: "torn" };

interface Armed {
  readonly fault: Fault;
  readonly fits: (attempt: Attempt) => boolean;
  left: number;
}

export class Faults {
  private armed: Armed[] = [];

  /** The next `times` requests that fit. */
  next(
    fault: Fault,
    fits: Partial<Attempt> | ((attempt: Attempt) => boolean) = {},
    times = 1,
  ): void {
    const test =
      typeof fits === "function"
        ? fits
        : (attempt: Attempt) =>
            Object.entries(fits).every(([key, value]) => attempt[key as keyof Attempt] === value);
    this.armed.push({ fault, fits: test, left: times });
  }

  clear(): void {
    this.armed = [];
  }

  /** How many are still to come. */
  get left(): number {
    return this.armed.reduce((sum, { left }) => sum + left, 0);
  }

  take(attempt: Attempt): Fault | null {
    const found = this.armed.find(({ left, fits }) => left > 0 && fits(attempt));
    if (!found) return null;
    found.left--;
    return found.fault;
  }
}

export function refusal(fault: Fault & { kind: "status" }, resource: Resource | null): StatusError {
  const headers: Record<string, string> =
    fault.retryAfter === undefined ? {} : { "retry-after": fault.retryAfter };
  return new StatusError(
    fault.code,
    fault.reason,
    fault.message ?? `${fault.reason} (${resource?.plural ?? "discovery"})`,
    headers,
  );
}
