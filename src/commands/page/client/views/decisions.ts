/** Approve, reject, abort: where this page was started to do so, each asked twice. */
import type { ActiveSeen } from "../../../status-data/documents.ts";
import { type Child, h } from "../dom.ts";
import type { Asked, Model } from "../model.ts";

const WORDS: Readonly<Record<Asked["verb"], readonly [offer: string, sure: string]>> = {
  approve: ["Approve", "Yes, let it begin"],
  reject: ["Reject", "Yes, reject it"],
  abort: ["Abort and undo", "Yes, stop and undo it"],
};

const verbs = ({ state }: ActiveSeen): readonly Asked["verb"][] => {
  if (state === "awaiting_approval") return ["approve", "reject"];
  return state === "rolling_back" ? [] : ["abort"];
};

export function decisions({ overview, asked }: Model, action: ActiveSeen): Child {
  const operating = overview?.operating;
  if (!operating || verbs(action).length === 0) return null;
  if (operating.refused !== null)
    return h("p", { class: "muted" }, `Nothing can be decided here: ${operating.refused}`);
  if (asked?.action !== action.id)
    return h(
      "p",
      { class: "decisions" },
      verbs(action).map((verb) =>
        h(
          "button",
          { type: "button", class: verb, "data-ask": verb, "data-action": action.id },
          WORDS[verb][0],
        ),
      ),
    );
  return h(
    "form",
    { class: "decisions", "data-decide": asked.verb, "data-action": action.id },
    asked.verb === "reject" &&
      h("input", {
        name: "reason",
        maxlength: 1000,
        placeholder: "Why (for those who read the history)",
        "aria-label": "Why it is rejected",
        autocomplete: "off",
      }),
    h(
      "button",
      { type: "submit", class: asked.verb, disabled: asked.doing },
      asked.doing ? "…" : WORDS[asked.verb][1],
    ),
    h("button", { type: "button", "data-ask": "", disabled: asked.doing }, "No"),
  );
}
