/**
 * What somebody on the script's way into a database would rewrite or stumble over: migration tools,
 * psql, CREATE EXTENSION. The build refuses it rather than escape it: each tool has escapes of its
 * own, and all of them get the same file. Found by running the tools (test/migrations).
 */
interface Rule {
  readonly token: RegExp;
  readonly tool: string;
}

const RULES: readonly Rule[] = [
  { token: /\?/g, tool: "knex takes it for a binding (jsonb_exists() is the operator's function)" },
  {
    token: /(?<![:\w$\\]):[\w$]+(?![:\w$])/g,
    tool: "SQLAlchemy, and so alembic, takes it for a parameter; psql for a variable",
  },
  { token: /\\:/g, tool: "SQLAlchemy, and so alembic, takes the backslash away" },
  { token: /:DATABASE_(NAME|OWNER)\b/g, tool: "graphile-migrate replaces it" },
  { token: /^--!.*/gm, tool: "graphile-migrate takes the line for an instruction" },
  { token: /--> statement-breakpoint/g, tool: "drizzle-kit splits the script there" },
  {
    token: /^\s*--[\s-]*(up|down)\s+migration.*/gim,
    tool: "node-pg-migrate takes the line for the beginning of a part",
  },
  { token: /^\\.*/gm, tool: "psql, and so sqitch, takes the line for a command" },
  { token: /\$\{/g, tool: "Flyway and Liquibase replace it" },
  { token: /\{\{/g, tool: "a placeholder of this build that nothing was put in for" },
  {
    token: /@extschema(:[^@]*)?@|@extowner@|MODULE_PATHNAME/g,
    tool: "CREATE EXTENSION replaces it",
  },
  { token: /[^\x01-\x7f]|\r/g, tool: "the script must load in any client encoding" },
];

/** dbmate wants the first, once; what follows the second is not run. */
export const MARKERS = { begin: "-- migrate:up", end: "-- migrate:down" } as const;
const MARKER = /^--\s*migrate:(up|down).*/gm;

/**
 * Comments, quoted names and texts as who knows no dollar quotes reads them (pg-minify, by which
 * graphile-migrate tells whether a migration is empty): a quote must end, a name on its line.
 */
const QUOTED = /--[^\n]*|\/\*[^]*?\*\/|"[^"]*("|$)|'(?:\\[^]|''|[^'\\])*('|$)/g;

/**
 * @param script with or without the markers
 * @returns a line for each place: line number, what, who minds
 */
export function rewritten(script: string): string[] {
  const found: { index: number; token: string; tool: string }[] = [];
  for (const { token, tool } of RULES)
    for (const one of script.matchAll(token)) found.push({ index: one.index, token: one[0], tool });
  const [begin, end, ...more] = script.matchAll(MARKER);
  const marked = begin?.[0] === MARKERS.begin && end?.[0] === MARKERS.end && more.length === 0;
  if (begin && !marked)
    found.push({ index: begin.index, token: begin[0], tool: "dbmate wants one of each marker" });
  for (const { 0: token, index } of script.matchAll(QUOTED)) {
    const open = /^["']/.test(token) && (token.length < 2 || token.at(-1) !== token[0]);
    if (open || (token.startsWith('"') && token.includes("\n")))
      found.push({ index, token: token.slice(0, 20), tool: "graphile-migrate: a quote unended" });
  }
  return found
    .sort((a, b) => a.index - b.index)
    .map(({ index, token, tool }) => {
      const before = script.slice(0, index).split("\n");
      const line = script.split("\n", before.length).at(-1)!.trim().slice(0, 100);
      return `line ${before.length}: ${JSON.stringify(token)}: ${tool}, in: ${line}`;
    });
}

/** @throws Error with every place */
export function refuseRewritten(script: string, path: string): void {
  const places = rewritten(script);
  if (places.length > 0)
    throw new Error(`${path} would not reach every database unchanged:\n${places.join("\n")}`);
}
