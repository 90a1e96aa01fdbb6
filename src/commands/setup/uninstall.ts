import { createInterface } from "node:readline/promises";
import pc from "../colours.ts";
import { EXIT } from "../exit.ts";
import { name } from "../terminal/draw.ts";
import { asking, type Common, Refusal } from "../terminal/session.ts";

export interface UninstallFlags extends Common {
  readonly yes?: boolean;
}

interface Answer {
  /** What is not ours alone, with the statement that would take it away. */
  readonly left?: readonly { readonly what: string; readonly statement: string }[];
}

/** Before it could uninstall itself. */
const BY_HAND =
  "This installation has no ruvector_healing_uninstall(). HINT: npx ruvector-healing upgrade, " +
  "then again; or the statements of docs/install.md#remove.";

/** Whoever sits there types the database's name; a script says --yes. */
async function agreed(database: string): Promise<boolean> {
  const terminal = createInterface({ input: process.stdin, output: process.stderr });
  const typed = await terminal.question(
    `Everything that ruvector_healing keeps in ${name(database)} goes, its history too. ` +
      "Type the database's name to go on: ",
  );
  terminal.close();
  return typed.trim() === database;
}

export const uninstall = (flags: UninstallFlags): Promise<void> =>
  asking(flags, async (query) => {
    const [found] = await query<{ there: boolean; callable: boolean; database: string }>(`
      SELECT EXISTS (SELECT FROM pg_catalog.pg_class c
               JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
              WHERE n.nspname = 'ruvector' AND c.relname = 'healing_actions') AS there,
             pg_catalog.to_regprocedure('public.ruvector_healing_uninstall()') IS NOT NULL
               AS callable,
             pg_catalog.current_database()::text AS database`);
    const { there, callable, database } = found!;
    if (!there) {
      const said = `ruvector_healing is not installed in ${name(database)}.`;
      console.log(
        flags.json ? JSON.stringify({ uninstalled: null, message: said }, null, 1) : said,
      );
      return EXIT.well;
    }
    if (!callable) throw new Refusal(BY_HAND);
    if (flags.yes !== true) {
      if (!process.stdin.isTTY) throw new Refusal("Add --yes: nobody is there to be asked.");
      if (!(await agreed(database))) {
        process.stderr.write(`${pc.yellow("Nothing was changed.")}\n`);
        return EXIT.failed;
      }
    }
    const [row] = await query<{ answer: Answer }>(
      "SELECT public.ruvector_healing_uninstall() AS answer",
    );
    const answer = row?.answer ?? {};
    if (flags.json) console.log(JSON.stringify(answer, null, 1));
    else {
      console.log(`ruvector_healing is gone from ${name(database)}; your tables stay.`);
      for (const { what, statement } of answer.left ?? [])
        console.log(`Left: ${name(what, 400)}\n    ${pc.cyan(name(statement, 2000))}`);
    }
    return EXIT.well;
  });
