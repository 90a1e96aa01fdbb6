/** One POST: what came of it, in words that repeat nothing of the address. */
import { createHmac } from "node:crypto";
import type { Webhook } from "./config.ts";
import { fill, type Said, slackText } from "./template.ts";

export type Posted =
  | { readonly outcome: "sent"; readonly status: number }
  /** Will be tried again. */
  | {
      readonly outcome: "failed";
      readonly why: string;
      readonly afterSeconds: number | null;
    }
  /** Would never be taken. */
  | { readonly outcome: "refused"; readonly why: string };

const TIMEOUT_MS = 10_000;
const PASSING = new Set([408, 409, 425, 429]);

export function bodyOf({ format, template, body }: Webhook, said: Said): string {
  const text = template(said, format === "slack" ? slackText : (one) => one);
  if (format === "slack") return JSON.stringify({ text });
  if (body !== null) return JSON.stringify(fill(body, said));
  const { seq, at, kind, collection, action_id, message, database, more } = said;
  return JSON.stringify({
    id: `${database}/${seq}`,
    at,
    kind,
    collection,
    action_id,
    message,
    database,
    more,
    text,
  });
}

export async function post(
  webhook: Webhook,
  said: Said,
  signal: AbortSignal,
  timeoutMs = TIMEOUT_MS,
): Promise<Posted> {
  const body = bodyOf(webhook, said);
  // Not AbortSignal.any of AbortSignal.timeout: Node.js 20 collects that timer, and nothing ends.
  const ending = new AbortController();
  const end = (): void => ending.abort();
  const late = setTimeout(() => ending.abort(new DOMException("", "TimeoutError")), timeoutMs);
  signal.addEventListener("abort", end, { once: true });
  try {
    const response = await fetch(webhook.url, {
      method: "POST",
      body,
      // Where a redirect leads is nobody's business to be told.
      redirect: "manual",
      signal: ending.signal,
      headers: {
        "content-type": "application/json; charset=utf-8",
        "user-agent": "ruvector-healing",
        // The same over restarts: whoever was sent something twice can tell.
        "idempotency-key": `${encodeURIComponent(said.database)}/${said.seq}`,
        ...(webhook.secret !== null && {
          "x-ruvector-healing-signature": `sha256=${createHmac("sha256", webhook.secret)
            .update(body)
            .digest("hex")}`,
        }),
        ...webhook.headers,
      },
    });
    await response.body?.cancel().catch(() => undefined);
    const { status } = response;
    if (status >= 200 && status < 300) return { outcome: "sent", status };
    if (PASSING.has(status) || status >= 500)
      return {
        outcome: "failed",
        why: `status ${status}`,
        afterSeconds: retryAfter(response.headers.get("retry-after")),
      };
    return { outcome: "refused", why: `status ${status}` };
  } catch (error) {
    return { outcome: "failed", why: reason(error), afterSeconds: null };
  } finally {
    clearTimeout(late);
    signal.removeEventListener("abort", end);
  }
}

function retryAfter(value: string | null): number | null {
  if (value === null) return null;
  const seconds = /^\d+$/.test(value) ? Number(value) : (Date.parse(value) - Date.now()) / 1000;
  return Number.isFinite(seconds) ? Math.min(Math.max(seconds, 0), 3600) : null;
}

/** The code alone: messages of fetch may hold the address. */
function reason(error: unknown): string {
  const { name, cause } = error as { name?: string; cause?: { code?: string } };
  if (name === "TimeoutError") return "no answer in time";
  return cause?.code ?? (name === "AbortError" ? "told to end" : "no connection");
}
