/**
 * Something the person at the keyboard can act on: what happened and what to type. Shown without a
 * stack.
 */
export class ServerProblem extends Error {
  override readonly name = "ServerProblem";
  constructor(what: string, ...todo: string[]) {
    super([what, ...todo.map((line) => `  ${line}`)].join("\n"));
  }
}

export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

export function codeOf(error: unknown): string | undefined {
  return error instanceof Error && "code" in error && typeof error.code === "string"
    ? error.code
    : undefined;
}
