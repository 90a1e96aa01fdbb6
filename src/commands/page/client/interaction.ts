/** What people click and type on the page. */
import type { Asked, Curve, Filter, Model } from "./model.ts";

export interface Shown {
  readonly render: () => void;
  readonly poll: () => void;
}

interface Answer {
  readonly answer?: unknown;
  readonly error?: string;
  readonly hint?: string | null;
}

/** A POST with the token that only this page could read. */
async function ask(model: Model, path: string, body: object): Promise<unknown> {
  const response = await fetch(path, {
    method: "POST",
    headers: {
      "content-type": "application/json",
      "x-page-token": model.overview?.operating?.token ?? "",
    },
    body: JSON.stringify(body),
  });
  const { answer, error, hint } = (await response.json().catch(() => ({}))) as Answer;
  if (!response.ok)
    throw new Error([error ?? `HTTP ${response.status}`, hint].filter(Boolean).join(". "));
  return answer;
}

const messageOf = (error: unknown): string =>
  error instanceof Error ? error.message : String(error);

async function decide(model: Model, asked: Asked, reason: string, show: Shown): Promise<void> {
  model.asked = { ...asked, doing: true };
  show.render();
  try {
    const answer = (await ask(model, `/api/${asked.verb}`, {
      action: asked.action,
      ...(reason !== "" && { reason }),
    })) as { message?: string; state?: string; outcome?: string; hint?: string } | null;
    const what = answer?.message ?? answer?.state?.replace(/_/g, " ") ?? "done";
    // Of one whose state had moved nothing began: another one asks in its place.
    const held = answer?.outcome === "deferred" || Boolean(answer?.hint);
    model.said = {
      tone: held ? "stress" : "normal",
      text: [`Action ${asked.action}: ${what}.`, answer?.hint].filter(Boolean).join(" "),
    };
  } catch (error) {
    model.said = { tone: "critical", text: `Action ${asked.action}: ${messageOf(error)}` };
  }
  model.asked = null;
  show.render();
  show.poll();
}

async function measure(model: Model, collection: string, show: Shown): Promise<void> {
  model.curve = { collection, points: null, error: null };
  show.render();
  let found: Curve;
  try {
    const points = (await ask(model, "/api/recall-curve", { collection })) as Curve["points"];
    found = { collection, points, error: null };
  } catch (error) {
    found = { collection, points: null, error: messageOf(error) };
  }
  model.curve = found;
  show.render();
}

export function interaction(model: Model, show: Shown): void {
  const attribute = (event: Event, name: string): string | null =>
    event.target instanceof Element
      ? (event.target.closest(`[${name}]`)?.getAttribute(name) ?? null)
      : null;

  document.addEventListener("click", (event) => {
    const minutes = attribute(event, "data-minutes");
    if (minutes !== null) {
      model.minutes = Number(minutes);
      show.render();
      show.poll();
    }
    const only = attribute(event, "data-only");
    if (only !== null) {
      model.filter = { ...model.filter, only: only as Filter["only"] };
      show.render();
    }
    const verb = attribute(event, "data-ask");
    if (verb !== null) {
      const action = Number(attribute(event, "data-action"));
      model.asked = verb === "" ? null : { verb: verb as Asked["verb"], action, doing: false };
      model.said = null;
      show.render();
    }
    const collection = attribute(event, "data-measure");
    if (collection !== null) void measure(model, collection, show);
    if (attribute(event, "data-seen") !== null) {
      model.said = null;
      show.render();
    }
    if (attribute(event, "data-back") !== null && history.length > 1) {
      event.preventDefault();
      history.back();
    }
  });

  document.addEventListener("input", (event) => {
    if (attribute(event, "data-filter") === null) return;
    model.filter = { ...model.filter, text: (event.target as HTMLInputElement).value };
    show.render();
  });

  document.addEventListener("submit", (event) => {
    event.preventDefault();
    const { asked } = model;
    if (asked === null || asked.doing || attribute(event, "data-decide") === null) return;
    const reason = (event.target as HTMLFormElement).elements.namedItem("reason");
    void decide(model, asked, reason instanceof HTMLInputElement ? reason.value : "", show);
  });
}
