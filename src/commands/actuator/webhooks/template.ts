/** What is sent of a transition. */
export interface Alert {
  readonly seq: number;
  readonly at: string;
  readonly kind: string;
  readonly collection: string | null;
  readonly action_id: number | null;
  readonly message: string;
}

/** An alert as a webhook says it, with what several of them have in common. */
export interface Said extends Alert {
  readonly database: string;
  /** How many more like it were left out, or were held in quiet hours. */
  readonly more: number;
}

export type Template = (said: Said, escape: (text: string) => string) => string;

const VALUES: Readonly<Record<string, (said: Said) => string>> = {
  database: ({ database }) => database,
  collection: ({ collection }) => collection ?? "all collections",
  kind: ({ kind }) => kind.replaceAll("_", " "),
  message: ({ message }) => message,
  action_id: ({ action_id: id }) => (id === null ? "" : String(id)),
  at: ({ at }) => at,
  seq: ({ seq }) => String(seq),
};

export const PLACEHOLDERS = Object.keys(VALUES).map((key) => `{${key}}`);

/** null: it names what there is not. */
export function compileTemplate(text: string): Template | null {
  const named = [...text.matchAll(/\{(\w+)\}/g)].map(([, key]) => key!);
  if (named.some((key) => !Object.hasOwn(VALUES, key))) return null;
  return (said, escape) =>
    text.replace(/\{(\w+)\}/g, (_, key: string) => escape(VALUES[key]!(said))) +
    (said.more > 0 ? ` (and ${said.more} more like it)` : "");
}

/** So that no name of a table calls people: <!channel> is written as it stands. */
export const slackText = (text: string): string =>
  text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;");

/** Every text in a document filled in; what is no template stays as it is. */
export function fill(document: unknown, said: Said): unknown {
  if (typeof document === "string") {
    const template = compileTemplate(document);
    return template === null ? document : template({ ...said, more: 0 }, (text) => text);
  }
  if (Array.isArray(document)) return document.map((one: unknown) => fill(one, said));
  if (typeof document !== "object" || document === null) return document;
  return Object.fromEntries(Object.entries(document).map(([key, one]) => [key, fill(one, said)]));
}
