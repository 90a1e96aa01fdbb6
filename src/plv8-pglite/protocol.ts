/** What the client and the worker say to each other. Values are what structured cloning carries. */

export interface Options {
  readonly dataDir?: string;
  readonly snapshot?: Uint8Array;
}

export type Command =
  | { readonly name: "query"; readonly statement: string; readonly parameters: readonly unknown[] }
  | { readonly name: "exec"; readonly script: string }
  | { readonly name: "raw"; readonly message: Uint8Array }
  | { readonly name: "dump" }
  | { readonly name: "close" };

export interface Request {
  readonly id: number;
  readonly command: Command;
}

export interface Notice {
  readonly severity: string;
  readonly message: string;
  readonly detail?: string;
  readonly hint?: string;
}

/**
 * Fields of PostgreSQL's ErrorResponse, named as in the pg package; and any other error's message.
 */
export interface Failure {
  readonly message: string;
  readonly fields: Readonly<Record<string, string>>;
}

export type Reply =
  | { readonly kind: "opened" }
  | { readonly kind: "notOpened"; readonly failure: Failure }
  | { readonly kind: "notice"; readonly notice: Notice }
  | { readonly kind: "result"; readonly id: number; readonly value: unknown }
  | { readonly kind: "failed"; readonly id: number; readonly failure: Failure };

export const ERROR_FIELDS = [
  "severity",
  "code",
  "detail",
  "hint",
  "position",
  "internalPosition",
  "internalQuery",
  "where",
  "schema",
  "table",
  "column",
  "dataType",
  "constraint",
] as const;
