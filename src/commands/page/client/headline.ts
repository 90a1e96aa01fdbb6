/** The one sentence: what is the case, said so that nobody is called out of bed for nothing. */
import { type Headline, stateLine } from "../../status-data/headline.ts";
import { span } from "../../status-data/words.ts";
import { localTimes } from "./format.ts";
import { databaseNow, isOld, type Model } from "./model.ts";

export function headline(model: Model): Headline {
  const { overview, trouble } = model;
  if (!overview) {
    if (!trouble) return { tone: "unknown", text: "Reading…", more: "" };
    return {
      tone: "unknown",
      text: "Nothing is known",
      more:
        trouble.kind === "server"
          ? "The server of this page does not answer."
          : `The database does not answer: ${trouble.message}`,
    };
  }
  if (isOld(model)) {
    const was = stateLine(overview, databaseNow(model));
    return {
      tone: "unknown",
      text: "This is not current",
      more: `Last known ${span((Date.now() - model.received) / 1000)} ago: ${was.text}.`,
    };
  }
  const line = stateLine(overview, databaseNow(model));
  return { ...line, more: localTimes(line.more) };
}
