/**
 * The bundles, each one function body that returns { call }: the loop, and beside it the signatures
 * of the audit trail.
 */
import { createHash } from "node:crypto";
import { join } from "node:path";
import { build } from "esbuild";
import { root } from "./project.ts";

export interface Bundle {
  readonly source: string;
  /** SHA-256 of the source, hex: sessions that hold an older one notice by it and reload. */
  readonly hash: string;
}

/**
 * Two, because the loop's is loaded by every connection of pg_cron, and signatures are rarely
 * needed: 22 KiB, 16 ms.
 */
export interface Bundles {
  readonly loop: Bundle;
  readonly audit: Bundle;
}

export const makeBundles = async (): Promise<Bundles> => ({
  loop: await makeBundle(),
  audit: await makeBundle("src/audit/ed25519.ts"),
});

/** The dollar quote that wraps the bundle in SQL. */
export const QUOTE = "$ruvector_healing_bundle$";

/**
 * What somebody on the bundle's way into a database would rewrite or stumble over. The build
 * refuses it rather than escape it: a bundle that differs from what was tested is worse than no
 * bundle.
 */
const REFUSED: readonly (readonly [RegExp, string])[] = [
  [/@extschema(:[^@]*)?@|@extowner@/, "CREATE EXTENSION replaces it"],
  [/MODULE_PATHNAME/, "CREATE EXTENSION replaces it"],
  [/\$\{/, "Flyway and Liquibase replace it"],
  [/\$ruvector_healing_bundle\$/, "it would end the dollar quote"],
  [/[^\x00-\x7f]/, "the script must load in any client encoding"],
  [/\0|\r/, "it does not survive every client"],
  [/^\\/m, "psql takes the line for a command"],
];

/** @throws Error naming the token, its surroundings and who would rewrite it */
export function refuseRewritten(source: string): void {
  for (const [token, why] of REFUSED) {
    const found = token.exec(source);
    if (found) {
      const around = source.slice(Math.max(0, found.index - 60), found.index + 60);
      throw new Error(
        `the bundle holds ${JSON.stringify(found[0])} (${why}), near: ${JSON.stringify(around)}`,
      );
    }
  }
}

/**
 * @param entry a module that exports `call`; tests bundle their own, to call a part of the product
 *   inside the database
 */
export async function makeBundle(entry = "src/api/bundle.ts"): Promise<Bundle> {
  const result = await build({
    entryPoints: [join(root, entry)],
    absWorkingDir: root,
    bundle: true,
    write: false,
    format: "iife",
    globalName: "bundle",
    platform: "neutral",
    mainFields: ["module", "main"],
    conditions: ["import"],
    // plv8 3.2 has V8 11, PLJS 1.0 has QuickJS 2024: both know ES2020.
    target: "es2020",
    // No "${" in the output: migration tools take it for their placeholders.
    supported: { "template-literal": false },
    charset: "ascii",
    legalComments: "none",
    // Names stay: they are what a stack trace in DETAIL says.
    minifyWhitespace: true,
    minifySyntax: true,
    lineLimit: 2000,
    logLevel: "warning",
  });
  // "\{" means "{" in strings and in regular expressions alike, the only places where "${" is left
  // (one in zod). lineLimit continues a string behind "\" on the next line: never before another
  // "\", with which a line of psql's commands begins.
  const text = result.outputFiles[0]!.text.replace(/\\\n(?=\\)/g, "");
  const source = `${text.replaceAll("${", "$\\{")}return bundle;\n`;
  refuseRewritten(source);
  return { source, hash: createHash("sha256").update(source).digest("hex") };
}
