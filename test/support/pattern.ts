/** One regular expression from parts that stand on a line each. It has the flags of the last. */
export const pattern = (...parts: readonly RegExp[]): RegExp =>
  new RegExp(parts.map(({ source }) => source).join(""), parts.at(-1)!.flags);
