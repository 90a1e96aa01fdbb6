/**
 * plv8's behaviour, case by case, in SQL: run on the embedded database and on a server's plv8
 * (3.2.2), which must agree, and on its PLJS: `pljs` says that it agrees, what it does instead
 * (PLJS 1.0.5), or why the case is left out there (some inputs end the server or show foreign
 * memory). Of an error PLJS keeps the text only: it comes as XX000 with the text in DETAIL, and
 * that counts as agreeing. `@` stands for the object (plv8, pljs), `#` for the language.
 */
import type { Case } from "./case.ts";
import { ARGUMENTS } from "./arguments.ts";
import { RESULTS } from "./results.ts";
import { FUNCTIONS } from "./functions.ts";
import { ERRORS } from "./errors.ts";
import { SQL } from "./sql.ts";
import { START } from "./start.ts";
import { SUBTRANSACTION } from "./subtransaction.ts";
import { CANCEL } from "./cancel.ts";
import { OBJECT } from "./object.ts";

export type { Case } from "./case.ts";

export const CASES: Readonly<Record<string, readonly Case[]>> = {
  ARGUMENTS,
  RESULTS,
  FUNCTIONS,
  ERRORS,
  SQL,
  START,
  SUBTRANSACTION,
  CANCEL,
  OBJECT,
};

export const inLanguage = (text: string, language: "plv8" | "pljs"): string =>
  text.replaceAll("@", language).replaceAll("#", language);
