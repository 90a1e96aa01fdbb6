/** Which reasons the documentation lists, and which of them the scripts come to. */

/** Codes in the first column of the tables below a heading of a page. */
export function documented(page: string, heading: string): string[] {
  const from = page.indexOf(`\n## ${heading}\n`);
  if (from < 0) throw new Error(`no heading "${heading}"`);
  const to = page.indexOf("\n## ", from + 1);
  const section = page.slice(from, to < 0 ? undefined : to);
  return [...section.matchAll(/^\| `(\w+)` \|/gm)].map(([, code]) => code!);
}

const all = (text: string, expression: RegExp): Set<string> =>
  new Set([...text.matchAll(expression)].map(([, code]) => code!));

/** Of refusals, as "refused cooldown: ..." or "refused public.other cooldown: ...". */
export const refusals = (text: string): Set<string> =>
  all(text, /^refused (?:public\.\w+ )?(\w+)(?::|$)/gm);

/** Of strategies weighed, as "  - name: lower_weight, ..." or "  - wrong_class: name, ...". */
export const selections = (text: string): Set<string> =>
  all(text, /^ {2}[+-] (?:(?!wrong_class)\w+: )?(\w+)[,:]/gm);

/** States of actions, as "action 1 name: failed (in_vain): ...". */
export const states = (text: string): Set<string> =>
  all(text, /^action \d+ (?:public\.\w+ )?\w+: (\w+)/gm);

export const classes = (text: string): Set<string> => all(text, /^class (\w+):/gm);
