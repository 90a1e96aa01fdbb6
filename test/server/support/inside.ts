/**
 * Calls a part of the product inside the database, where no SQL function of the product leads to it
 * alone.
 */
import { inject } from "vitest";
import { makeBundle, QUOTE } from "../../../build/bundle.ts";
import type { TestDatabase } from "./database.ts";

/**
 * Bundles a test module that exports `call(operation, input)` like src/api/bundle.ts does, and
 * makes it the SQL function `public.test_call(operation text, input text)`.
 * @param entry relative to the repository
 */
export async function installInside(db: TestDatabase, entry: string): Promise<void> {
  const language = inject("language");
  const { source, hash } = await makeBundle(entry);
  await db.client.query(`
    CREATE OR REPLACE FUNCTION public.test_source() RETURNS text
      LANGUAGE sql IMMUTABLE AS $function$SELECT ${QUOTE}\n${source}${QUOTE}$function$;
    CREATE OR REPLACE FUNCTION public.test_call(operation text, input text) RETURNS text
      LANGUAGE ${language} AS $function$
      if (!globalThis.test_bundle || globalThis.test_bundle.hash !== '${hash}') {
        var source = ${language}.execute('SELECT public.test_source() AS source')[0].source;
        globalThis.test_bundle = { hash: '${hash}', call: new Function('engine',
          source)(${language}).call };
      }
      return globalThis.test_bundle.call(operation, input);
    $function$`);
}

/** What `call` answers: its result, or the error document it ended with. */
export const callInside = async <T>(
  db: TestDatabase,
  operation: string,
  input: object,
): Promise<{
  readonly result?: T;
  readonly error?: {
    readonly sqlstate: string;
    readonly message: string;
    readonly detail: string | null;
    readonly hint: string | null;
  };
}> =>
  JSON.parse(
    await db.value<string>("SELECT public.test_call($1, $2)", [operation, JSON.stringify(input)]),
  );
