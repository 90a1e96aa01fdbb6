/**
 * Finds COPY ... FROM STDIN before PGlite sees it: PGlite 0.5 waits for data that it has no way to
 * receive, and that ends the whole database ("Program terminated with exit(1)"; electric-sql/pglite
 * pull request 1028).
 */

/**
 * A token that may hide the words looked for, or a part of a statement. Order matters: comments and
 * quotes before anything else.
 */
const TOKENS = new RegExp(
  [
    String.raw`--[^\n]*`,
    String.raw`\/\*`,
    String.raw`[eE]'(?:[^'\\]|\\[\s\S]|'')*(?:'|$)`,
    String.raw`'(?:[^']|'')*(?:'|$)`,
    String.raw`"(?:[^"]|"")*(?:"|$)`,
    String.raw`\$(?:[A-Za-z_\u0080-\uffff][\w\u0080-\uffff]*)?\$`,
    String.raw`[A-Za-z_\u0080-\uffff][\w$\u0080-\uffff]*`,
    String.raw`[;()]`,
  ].join("|"),
  "g",
);

/** Where a comment that began at `from` ends; they nest. */
function endOfComment(text: string, from: number): number {
  const marks = /\/\*|\*\//g;
  marks.lastIndex = from;
  let depth = 0;
  for (let found = marks.exec(text); found; found = marks.exec(text)) {
    depth += found[0] === "/*" ? 1 : -1;
    if (depth === 0) return marks.lastIndex;
  }
  return text.length;
}

/** Whether one of the statements in the text is a COPY that reads what the client sends. */
export function copiesFromClient(text: string): boolean {
  if (!/copy/i.test(text) || !/stdin/i.test(text)) return false;
  const tokens = new RegExp(TOKENS);
  let words: string[] = [];
  let depth = 0;
  for (let found = tokens.exec(text); found; found = tokens.exec(text)) {
    const token = found[0];
    if (token === "/*") tokens.lastIndex = endOfComment(text, found.index);
    else if (token.startsWith("$")) {
      const end = text.indexOf(token, tokens.lastIndex);
      tokens.lastIndex = end < 0 ? text.length : end + token.length;
    } else if (token === "(") depth++;
    else if (token === ")") depth--;
    else if (token === ";") words = [];
    else if (depth === 0 && /^[A-Za-z_]/.test(token)) {
      words.push(token.toLowerCase());
      if (words[0] === "copy" && words.at(-2) === "from" && words.at(-1) === "stdin") return true;
    }
  }
  return false;
}
