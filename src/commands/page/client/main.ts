/** The status page: polls its server, shows what it knows, and says how old that is. */
import type { CollectionDetail } from "../../status-data/collection.ts";
import type { Headline } from "../../status-data/headline.ts";
import type { Overview } from "../../status-data/documents.ts";
import { type Child, h, morph } from "./dom.ts";
import { span, zone } from "./format.ts";
import { headline } from "./headline.ts";
import { interaction } from "./interaction.ts";
import { mark } from "./marks.ts";
import { isOld, type Model, type Route, routeOf } from "./model.ts";
import { banner, said } from "./views/banner.ts";
import { collectionView } from "./views/collection.ts";
import { explanation } from "./views/explanation.ts";
import { reportView } from "./views/report.ts";
import { footnote, overviewView } from "./views/overview.ts";

const POLL = 3000;

const app = document.getElementById("app")!;
const model: Model = {
  overview: null,
  received: 0,
  trouble: null,
  detail: null,
  explanation: null,
  notFound: null,
  minutes: 60,
  width: 640,
  filter: { text: "", only: "all" },
  asked: null,
  said: null,
  curve: null,
};
let route: Route = routeOf(location.hash);

class Unreachable extends Error {}

/** What a server that answers says is wrong. */
class Refused extends Error {
  constructor(
    readonly status: number,
    message: string,
    readonly hint: string | null,
  ) {
    super(message);
  }
}

async function read<T>(address: string): Promise<T> {
  let response: Response;
  try {
    response = await fetch(address, { signal: AbortSignal.timeout(12_000), cache: "no-store" });
  } catch {
    throw new Unreachable("the server of this page does not answer");
  }
  const body = (await response.json().catch(() => ({}))) as { error?: string; hint?: string };
  if (!response.ok)
    throw new Refused(response.status, body.error ?? `HTTP ${response.status}`, body.hint ?? null);
  return body as T;
}

async function refresh(): Promise<void> {
  const asked = route;
  try {
    model.overview = await read<Overview>("/api/status");
    model.received = Date.now();
    model.trouble = null;
    await refreshView(asked);
  } catch (error) {
    const kind = error instanceof Unreachable ? "server" : "database";
    const message = error instanceof Error ? error.message : String(error);
    model.trouble = {
      kind,
      message,
      hint: error instanceof Refused ? error.hint : null,
      since: model.trouble?.kind === kind ? model.trouble.since : Date.now(),
    };
  }
  render();
}

/** What a text on the page explains. */
function explained(of: Exclude<Route, { view: "overview" }>): string {
  if (of.view === "action") return `action ${of.id}`;
  return of.view === "report" ? `report ${of.days}` : `collection ${of.name}`;
}

async function refreshView(asked: Route): Promise<void> {
  try {
    if (asked.view === "collection") {
      const name = encodeURIComponent(asked.name);
      const [detail, why] = await Promise.all([
        read<CollectionDetail>(`/api/collection?name=${name}&minutes=${model.minutes}`),
        asked.why ? read<{ text: string }>(`/api/explain?collection=${name}`) : null,
      ]);
      if (asked !== route) return;
      model.detail = detail;
      model.notFound = null;
      if (why) model.explanation = { key: explained(asked), text: why.text, error: null };
    }
    if (asked.view === "action") {
      const { text } = await read<{ text: string }>(`/api/explain?action=${asked.id}`);
      if (asked === route) model.explanation = { key: explained(asked), text, error: null };
    }
    if (asked.view === "report") {
      const { text } = await read<{ text: string }>(`/api/report?days=${asked.days}`);
      if (asked === route) model.explanation = { key: explained(asked), text, error: null };
    }
  } catch (error) {
    // Something that is not there is no trouble with the data.
    if (!(error instanceof Refused)) throw error;
    model.notFound = error.message;
    if (asked.view !== "overview")
      model.explanation = { key: explained(asked), text: null, error: error.message };
  }
}

function freshness(): HTMLElement {
  const age = (Date.now() - model.received) / 1000;
  const old = isOld(model);
  const text = old ? `data is ${span(age)} old` : "live";
  return h(
    "p",
    { class: old ? "fresh old" : "fresh" },
    h("span", { class: "pulse", "aria-hidden": "true" }),
    model.overview === null ? "no data yet" : text,
  );
}

function view(overview: Overview): Child {
  switch (route.view) {
    case "overview":
      return overviewView(model, overview);
    case "collection":
      return collectionView(model, overview, route.name, route.why);
    case "action":
      return actionView(route.id);
    case "report":
      return reportView(model, route.days, explained(route));
  }
}

const actionView = (id: string): Child => [
  h("p", { class: "back" }, h("a", { href: "#/", "data-back": true }, "← Back")),
  h("h1", { class: "visually-hidden" }, `Action ${id}`),
  h(
    "section",
    { class: "explained", "aria-label": "Explanation" },
    explanation(model, `action ${id}`),
  ),
];

/** Small where something else than the overview is looked at. */
function hero({ tone, text, more }: Headline): HTMLElement {
  const focused = route.view === "overview";
  return h(
    "div",
    { class: focused ? "hero" : "hero small", role: "status" },
    mark(tone, focused ? 40 : 16),
    h(
      "div",
      {},
      h(focused ? "h1" : "p", { class: "headline" }, text),
      focused && more !== "" && h("p", { class: "more" }, more),
    ),
  );
}

const header = (overview: Overview | null): HTMLElement =>
  h(
    "header",
    {},
    h("a", { class: "brand", href: "#/" }, "ruvector healing"),
    overview && h("span", { class: "where" }, overview.database),
    h("a", { class: "to-report", href: "#/report" }, "Report"),
    freshness(),
  );

const footer = (overview: Overview | null): HTMLElement =>
  h(
    "footer",
    {},
    overview && h("p", {}, footnote(overview)),
    h(
      "p",
      {},
      overview?.operating ? "" : "Read-only. ",
      "Everything here is what you may ask yourself: ",
      h("code", {}, "SELECT jsonb_pretty(ruvector_healing_status());"),
      ` Times are of this browser's clock, ${zone()}.`,
    ),
  );

function render(): void {
  const { overview } = model;
  const line = headline(model);
  document.title = `${line.text} · ruvector healing`;
  const page = h(
    "div",
    { id: "app", class: isOld(model) && overview ? "is-old" : "" },
    header(overview),
    h(
      "main",
      { id: "main", tabindex: "-1" },
      banner(model),
      said(model),
      hero(line),
      h(
        "div",
        { class: `view ${route.view}`, "data-key": location.hash },
        overview && view(overview),
      ),
    ),
    footer(overview),
  );
  morph(app, page);
}

function measure(): void {
  const shown = document.querySelector(".view");
  const width = Math.floor(shown?.clientWidth ?? app.clientWidth);
  if (width > 0 && width !== model.width) {
    model.width = width;
    render();
  }
}

let timer: ReturnType<typeof setTimeout> | undefined;

/** One after the other, and none while nobody looks. */
async function poll(): Promise<void> {
  clearTimeout(timer);
  await refresh();
  clearTimeout(timer);
  if (!document.hidden) timer = setTimeout(() => void poll(), POLL);
}

addEventListener("hashchange", () => {
  route = routeOf(location.hash);
  render();
  scrollTo(0, 0);
  document.getElementById("main")?.focus({ preventScroll: true });
  void poll();
});
document.addEventListener("visibilitychange", () => void (document.hidden ? undefined : poll()));
interaction(model, { render, poll: () => void poll() });
new ResizeObserver(measure).observe(app);
// Ages go on while nothing comes, and so does "this is not current".
setInterval(render, 1000);
render();
measure();
void poll();
