/**
 * The text of ruvector_healing_explain(), set for a screen: its sections as headings, its wrapped
 * lines joined again.
 */
import { type Child, h } from "../dom.ts";
import type { Model } from "../model.ts";

interface Line {
  readonly text: string;
  /** A detail of the line before. */
  readonly deep: boolean;
}

/**
 * Lines that go on are indented by four more than their first; details by two more than what they
 * belong to.
 */
export function linesOf(lines: readonly string[]): Line[] {
  const found: { text: string; deep: boolean; indent: number }[] = [];
  for (const line of lines) {
    const indent = line.length - line.trimStart().length;
    const before = found[found.length - 1];
    if (before && indent >= before.indent + 4) before.text += ` ${line.trim()}`;
    else found.push({ text: line.trim(), deep: indent > 2, indent });
  }
  return found;
}

const STATEMENT = /^(SELECT|CALL|GRANT|CREATE) /;

function lineElement({ text, deep }: Line): HTMLElement {
  if (STATEMENT.test(text)) return h("pre", { class: "sql", tabindex: 0 }, text);
  const time = /^(\d{4}-\d\d-\d\d )?\d\d:\d\d:\d\d(?=  )/.exec(text);
  if (time)
    return h(
      "p",
      { class: "timed" },
      h("span", { class: "figure muted" }, time[0]),
      h("span", {}, text.slice(time[0].length).trim()),
    );
  const chosen = text.startsWith("->") ? "chosen" : "";
  return h(
    "p",
    { class: deep ? "deep muted" : chosen },
    text.replace(/^->\s*/, "→ ").replace(/^-\s+/, "– "),
  );
}

export function explanation(model: Model, key: string): Child {
  const known = model.explanation?.key === key ? model.explanation : null;
  if (!known) return h("p", { class: "muted" }, "Reading…");
  if (known.error !== null || known.text === null)
    return h("p", {}, known.error ?? "There is no explanation.");
  const [head = "", ...sections] = known.text.split("\n\n");
  return h(
    "div",
    { class: "explanation" },
    linesOf(head.split("\n")).map(({ text }, place) =>
      h("p", { class: place === 0 ? "lead" : "" }, text),
    ),
    sections.map((part) => {
      const [title = "", ...lines] = part.split("\n");
      return [h("h3", {}, title), linesOf(lines).map(lineElement)];
    }),
  );
}
