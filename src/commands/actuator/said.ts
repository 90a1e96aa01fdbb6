/** What an error says, for the log. */

export const messageOf = (error: unknown): string =>
  error instanceof Error ? error.message : String(error);

/** What PostgreSQL adds to an error. */
export function hintOf(error: unknown): Record<string, string> {
  const { code, detail, hint } = error as { code?: string; detail?: string; hint?: string };
  const missing = code === "42883" || code === "42501";
  return {
    ...(/^[0-9A-Z]{5}$/.test(code ?? "") && { sqlstate: code! }),
    ...(detail !== undefined && { detail }),
    ...(hint !== undefined && !missing && { hint }),
    ...(missing && { hint: "docs/actuator.md has the GRANT that this role needs" }),
  };
}
