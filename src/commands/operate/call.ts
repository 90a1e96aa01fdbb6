import pc from "../colours.ts";
import { EXIT } from "../exit.ts";
import { name } from "../terminal/draw.ts";
import { asking, type Common } from "../terminal/session.ts";

type Answer = Readonly<Record<string, unknown>>;

const scalar = (value: unknown): boolean => value === null || typeof value !== "object";

/** What does not fit beside its key stands below it. */
function written(value: unknown): string {
  if (scalar(value)) return name(String(value), 2000);
  const text = name(JSON.stringify(value), 100_000);
  if (text.length <= 100) return text;
  const lines = JSON.stringify(value, null, 1).split("\n");
  return ["", ...lines.map((line) => `  ${name(line, 1000)}`)].join("\n");
}

/** A line a key, without those that are null. */
export function answerText(answer: Answer): string {
  const width = Math.max(0, ...Object.keys(answer).map((key) => key.length));
  return Object.entries(answer)
    .filter(([, value]) => value !== null)
    .map(([key, value]) => `${pc.dim(key.padEnd(width))}  ${written(value)}`)
    .join("\n");
}

/**
 * "mode  observe -> auto", a line a setting. An installation of before 0.2.0 answers with all of
 * them as they are now: those that were asked for are shown.
 */
export function changesText(answer: Answer, asked: Readonly<Record<string, unknown>>): string {
  const changes = Object.entries(answer as Record<string, { old: unknown; new: unknown }>);
  if (changes.some(([, change]) => scalar(change) || !Object.hasOwn(change, "new")))
    return answerText(Object.fromEntries(Object.keys(asked).map((key) => [key, answer[key]])));
  if (changes.length === 0) return "Nothing changed: it was so already.";
  return answerText(
    Object.fromEntries(
      changes.map(([key, { old, new: now }]) => [key, `${plain(old)} -> ${plain(now)}`]),
    ),
  );
}

const plain = (value: unknown): string =>
  typeof value === "string" ? value : JSON.stringify(value);

export const configure = (flags: Common, parameters: Parameters<typeof call>[2]): Promise<void> =>
  call(flags, "configure", parameters, (answer) =>
    changesText(answer, parameters[0]![1] as Readonly<Record<string, unknown>>),
  );

/** Calls it, prints what it answers. What a guard holds back is no success. */
export const call = (
  flags: Common,
  verb: string,
  parameters: readonly (readonly [type: string, value: unknown])[],
  text: (answer: Answer) => string = answerText,
): Promise<void> =>
  asking(flags, async (query) => {
    const values = parameters.map(
      ([type], place) => `$${place + 1}${type === "" ? "" : `::${type}`}`,
    );
    const [row] = await query<{ answer: Answer }>(
      `SELECT ruvector.ruvector_healing_${verb}(${values.join(", ")}) AS answer`,
      parameters.map(([type, value]) => (type === "jsonb" ? JSON.stringify(value) : value)),
    );
    const answer = row?.answer ?? {};
    console.log(flags.json ? JSON.stringify(answer, null, 1) : text(answer));
    return answer["outcome"] === "deferred" ? EXIT.failed : EXIT.well;
  });
