/**
 * The text of a decision script: what it is about, then blocks of commands, a line `----`, and what
 * came out, up to the next empty line. An indented line goes on with the command above it.
 */

export interface Command {
  readonly name: string;
  /** The rest of its lines. */
  readonly rest: string;
}

export interface Block {
  /** As they were written. */
  readonly text: readonly string[];
  readonly commands: readonly Command[];
  readonly expected: readonly string[];
}

export interface Script {
  /** The lines that begin with #, without it. */
  readonly about: readonly string[];
  readonly blocks: readonly Block[];
}

const RULE = "----";

export function parse(text: string): Script {
  const parts = text
    .split(/\n{2,}/)
    .map((part) => part.split("\n").filter((line) => line !== ""))
    .filter((lines) => lines.length > 0);
  const [head, ...rest] = parts;
  const about = (head ?? []).map((line) => /^# ?(.*)$/.exec(line)?.[1] ?? null);
  if (about.length === 0 || about.includes(null))
    throw new Error("a script begins with lines of # that say what it is about");
  return { about: about as string[], blocks: rest.map(block) };
}

function block(lines: readonly string[]): Block {
  const place = lines.indexOf(RULE);
  const text = place < 0 ? lines : lines.slice(0, place);
  const commands: Command[] = [];
  for (const line of text) {
    const last = commands.at(-1);
    if (/^\s/.test(line) && last)
      commands.splice(-1, 1, { ...last, rest: `${last.rest}\n${line.trim()}`.trim() });
    else {
      const [, name, rest] = /^(\S+)\s*(.*)$/.exec(line) ?? [];
      commands.push({ name: name ?? "", rest: rest ?? "" });
    }
  }
  return { text, commands, expected: place < 0 ? [] : lines.slice(place + 1) };
}

/** The script with what came out in the place of what was expected. */
export const written = (script: Script, outputs: readonly (readonly string[])[]): string =>
  [
    script.about.map((line) => `# ${line}`.trimEnd()).join("\n"),
    ...script.blocks.map(({ text }, place) => [...text, RULE, ...outputs[place]!].join("\n")),
  ].join("\n\n") + "\n";
