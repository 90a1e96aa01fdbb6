import * as z from "zod/mini";
import { HealingError } from "./errors.ts";
import { nearest } from "./nearest.ts";

type Shape = Record<string, z.core.$ZodType>;

/**
 * Parses a JSON document a user typed against a shape of zod schemas.
 * @throws HealingError RV001: not an object, an unknown key (HINT: the nearest known one), or a bad
 *   value (DETAIL: key and value)
 */
export function parseDocument<S extends Shape>(
  name: string,
  shape: S,
  input: unknown,
  example?: string,
): z.output<z.ZodMiniObject<S>> {
  if (typeof input !== "object" || input === null || Array.isArray(input)) {
    throw new HealingError("invalid_argument", `${name} must be a JSON object`, {
      detail: `Got ${JSON.stringify(input) ?? "nothing"}.`,
      hint: `Known keys: ${Object.keys(shape).join(", ")}.`,
    });
  }
  for (const [key, value] of Object.entries(input)) {
    const schema = Object.prototype.hasOwnProperty.call(shape, key) ? shape[key] : undefined;
    if (!schema) {
      throw new HealingError("invalid_argument", `${name} has no key "${key.slice(0, 200)}"`, {
        detail: `Key "${key.slice(0, 200)}" with value ${JSON.stringify(value).slice(0, 200)}.`,
        hint:
          `Did you mean "${nearest(key, Object.keys(shape))}"? Known keys: ` +
          `${Object.keys(shape).join(", ")}.`,
      });
    }
  }
  const parsed = z.safeParse(z.object(shape), input);
  if (!parsed.success) {
    const issue = parsed.error.issues[0];
    const path = issue?.path.map(String).join(".") ?? "";
    let value: unknown = input;
    for (const part of issue?.path ?? [])
      value = (value as Record<PropertyKey, unknown> | undefined)?.[part];
    throw new HealingError("invalid_argument", `${name} key "${path}" has a bad value`, {
      detail: `Got ${(JSON.stringify(value) ?? "nothing").slice(0, 200)}; ${describe(issue)}.`,
      hint:
        `Known keys: ${Object.keys(shape).join(", ")}.` +
        (example === undefined ? "" : ` For example ${example}.`),
    });
  }
  return parsed.data as z.output<z.ZodMiniObject<S>>;
}

/**
 * zod/mini carries no messages (they would double the bundle): the issue's own fields say enough.
 */
function describe(issue: z.core.$ZodIssue | undefined): string {
  switch (issue?.code) {
    case "invalid_type":
      return `wanted ${issue.expected}`;
    case "too_small":
      return `wanted at least ${String(issue.minimum)}`;
    case "too_big":
      return `wanted at most ${String(issue.maximum)}`;
    case "invalid_format":
      return `wanted what fits ${String("pattern" in issue ? issue.pattern : issue.format)}`;
    case "invalid_value":
      return `wanted one of ${issue.values.map(String).join(", ")}`;
    default:
      return `refused (${issue?.code ?? "unknown reason"})`;
  }
}
