/** Whether a statement, by its text, addresses rows of a table by their partition. Pure. */

export interface Named {
  readonly schema: string;
  readonly name: string;
}

/** What a text has to name: the table, or one of its partitions. */
export interface Wanted {
  readonly table: Named;
  readonly partitions: readonly Named[];
  readonly column: string;
}

const TOKEN = new RegExp(
  [
    "--[^\\n]*",
    "/\\*[^]*?(?:\\*/|$)",
    "[eE]'(?:\\\\[^]|''|[^'\\\\])*(?:'|$)",
    "'(?:''|[^'])*(?:'|$)",
    "\\$([A-Za-z_]\\w*)?\\$[^]*?(?:\\$\\1\\$|$)",
    '"(?:""|[^"])*(?:"|$)',
    "[A-Za-z_\\u0080-\\uffff][\\w$\\u0080-\\uffff]*",
    "[().]",
  ].join("|"),
  "g",
);

interface Token {
  readonly text: string;
  readonly word: boolean;
  readonly quoted: boolean;
}

/** Words and brackets; comments, strings and numbers are gone. */
function tokens(query: string): Token[] {
  return (query.match(TOKEN) ?? []).flatMap((text): Token[] => {
    if (/^(--|\/\*|\$|[eE]?')/.test(text)) return [];
    if (text.startsWith('"'))
      return [
        { text: text.slice(1).replace(/"$/, "").replace(/""/g, '"'), word: true, quoted: true },
      ];
    return [{ text: text.toLowerCase(), word: /^[^().]/.test(text), quoted: false }];
  });
}

const STATEMENT = /^(select|insert|update|delete|merge|with|declare|prepare)$/;

/** Behind these a column says which rows; behind those it does not any more. */
const OPENS = /^(where|on|using|having)$/;
const CLOSES =
  /^(select|from|set|values|returning|group|order|window|limit|offset|union|intersect|except|do)$/;

/**
 * Whether a statement's text addresses rows of the table by its partition column or by the name of
 * a partition, or upserts on it: every unique index of a partitioned table has the partition
 * column, so each ON CONFLICT does. Aliases are not followed.
 */
export function addresses(query: string, { table, partitions, column }: Wanted): boolean {
  const all = tokens(query);
  const first = all.find(({ word }) => word);
  if (!first || first.quoted || !STATEMENT.test(first.text)) return false;
  const keyword = (at: number): string => (all[at] && !all[at].quoted ? all[at].text : "");
  const ours = all.some(({ text }, at) => text === "ruvector" && keyword(at + 1) === ".");
  if (ours) return false;
  /** The keyword before a name; ONLY may stand between. */
  const keywordBefore = (start: number): string =>
    keyword(start - 1) === "only" ? keyword(start - 2) : keyword(start - 1);
  /** Where a name begins: its schema is before it. */
  const named = (at: number, { schema, name }: Named): number | null => {
    if (!all[at]!.word || all[at]!.text !== name || keyword(at + 1) === ".") return null;
    if (keyword(at - 1) !== ".") return at;
    return all[at - 2]?.text === schema ? at - 2 : null;
  };
  let mentioned = false;
  let into = false;
  const open: boolean[] = [];
  let addressing = false;
  let by = false;
  for (const [at, { text, word, quoted }] of all.entries()) {
    if (text === "(" && !word) open.push(addressing);
    else if (text === ")" && !word) addressing = open.pop() ?? false;
    else if (word) {
      const partition = partitions.map((one) => named(at, one)).find((start) => start !== null);
      const start = named(at, table) ?? partition ?? null;
      const before = start === null ? "" : keywordBefore(start);
      if (start !== null && /^(from|join|update|into|using)$/.test(before)) {
        mentioned = true;
        into ||= before === "into";
        if (partition !== undefined && before !== "into") return true;
      } else if (addressing && text === column) by = true;
      if (quoted) continue;
      if (text === "on" && keyword(at + 1) === "conflict") {
        if (into) return true;
        addressing = false;
      } else if (OPENS.test(text)) addressing = true;
      else if (CLOSES.test(text) && !(text === "from" && keyword(at - 1) === "distinct"))
        addressing = false;
    }
  }
  return mentioned && by;
}
