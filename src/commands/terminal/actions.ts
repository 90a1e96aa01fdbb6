/** What changes something: approve, reject, abort. And explain, which only says. */
import pc from "../colours.ts";
import { EXIT } from "../exit.ts";
import { asking, type Common } from "./session.ts";
import { name } from "./draw.ts";

export const explain = (what: string, flags: Common): Promise<void> =>
  asking(flags, async (query) => {
    const [statement, parameter] = /^\d{1,18}$/.test(what)
      ? (["SELECT ruvector.ruvector_healing_explain($1::bigint) AS text", what] as const)
      : (["SELECT ruvector.ruvector_healing_explain($1::text) AS text", what] as const);
    const [row] = await query<{ text: string }>(statement, [parameter]);
    const text = row?.text ?? "";
    console.log(flags.json ? JSON.stringify({ about: what, text }, null, 1) : painted(text));
    return EXIT.well;
  });

/** Titles in bold and statements in colour, where there are colours. */
export const painted = (text: string): string =>
  text
    .split("\n")
    .map((line, place, lines) => {
      if (/^\s*(SELECT|CALL|GRANT) /.test(line)) return pc.cyan(line);
      if (place === 0 || (lines[place - 1] === "" && !line.startsWith(" "))) return pc.bold(line);
      return line;
    })
    .join("\n");

interface Answer {
  readonly outcome?: string;
  readonly state?: string;
  readonly collection?: string;
  readonly strategy?: string;
  readonly message?: string | null;
  readonly reason?: string;
  readonly hint?: string | null;
  /** What the decision went past: an open circuit breaker. */
  readonly notice?: string;
}

/** @param verb names the SQL function; it answers with one document */
export const act = (
  verb: "approve" | "reject" | "abort",
  id: number,
  more: readonly string[],
  flags: Common,
): Promise<void> =>
  asking(flags, async (query) => {
    const parameters = [String(id), ...more];
    const written = parameters
      .map((_, i) => `$${i + 1}::${i === 0 ? "bigint" : "text"}`)
      .join(", ");
    const [row] = await query<{ answer: Answer }>(
      `SELECT ruvector.ruvector_healing_${verb}(${written}) AS answer`,
      parameters,
    );
    const answer = row?.answer ?? {};
    if (flags.json) console.log(JSON.stringify(answer, null, 1));
    else {
      const said = [
        `action ${id}`,
        answer.strategy && `(${answer.strategy} on ${name(answer.collection ?? "")})`,
        answer.state?.replace(/_/g, " ") ?? answer.outcome,
      ]
        .filter(Boolean)
        .join(" ");
      const message = answer.message ? pc.dim(`: ${name(answer.message, 400)}`) : "";
      const notice = answer.notice ? `\n${name(answer.notice, 400)}` : "";
      console.log(`${said}${message}${notice}${answer.hint ? `\n${answer.hint}` : ""}`);
    }
    return answer.outcome === "deferred" ? EXIT.failed : EXIT.well;
  });
