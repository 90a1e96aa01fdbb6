/** One regular expression from parts that each stand on a line. The last one's flags are its own. */
export const pattern = (...parts: readonly RegExp[]): RegExp =>
  new RegExp(parts.map(({ source }) => source).join(""), parts.at(-1)!.flags);
