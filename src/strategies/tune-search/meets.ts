import type { Collection } from "../../model/collection.ts";

/** Where health begins to fall: what is above that share of what is due meets it. */
export const meets = (recall: number, due: number, { settings }: Collection): boolean =>
  recall >= settings.recall[0] * due;
