/** A function of the language as the catalogue has it, and which types it may have. */
import { LanguageError } from "./errors.ts";
import type { Spi } from "./statements.ts";

export interface Definition {
  readonly name: string;
  readonly source: string;
  readonly kind: "f" | "p" | "w" | "a";
  readonly result: number;
  readonly set: boolean;
  readonly language: string;
  readonly arguments: readonly {
    readonly name: string | null;
    readonly type: number;
    readonly pseudo: boolean;
  }[];
  readonly resultName: string;
  readonly resultIsPseudo: boolean;
}

/** Pseudo-types that a function may return or take: what a call resolves, and what marks a use. */
const ANY = "any(element|array|nonarray|enum|range|multirange|compatible\\w*)";
const RESULT_PSEUDO_TYPES = new RegExp(`^(trigger|record|void|internal|${ANY})$`);
const ARGUMENT_PSEUDO_TYPES = new RegExp(`^(internal|record|${ANY})$`);

export function definitionOf(spi: Spi, oid: number): Definition {
  const [row] = spi.rows(`
    SELECT pg_catalog.json_build_object(
      'name', p.proname, 'source', p.prosrc, 'kind', p.prokind, 'result',
        p.prorettype::pg_catalog.int8, 'set', p.proretset,
      'language', l.lanname, 'resultName', r.typname, 'resultIsPseudo', r.typtype = 'p',
      'arguments', coalesce((
        SELECT pg_catalog.json_agg(
          pg_catalog.json_build_object('name', a.name, 'type', a.type::pg_catalog.int8, 'pseudo',
            t.typtype = 'p') ORDER BY a.place)
        FROM (
          SELECT u.place, u.type, nullif(p.proargnames[u.place], '') AS name,
            coalesce(p.proargmodes[u.place], 'i') AS mode
          FROM pg_catalog.unnest(coalesce(p.proallargtypes, p.proargtypes::pg_catalog.oid[]))
            WITH ORDINALITY AS u (type, place)
        ) a JOIN pg_catalog.pg_type t ON t.oid = a.type
        WHERE a.mode IN ('i', 'b', 'v')), '[]')) AS found
    FROM pg_catalog.pg_proc p
      JOIN pg_catalog.pg_language l ON l.oid = p.prolang
      JOIN pg_catalog.pg_type r ON r.oid = p.prorettype
    WHERE p.oid = ${oid}`) as { found: Definition }[];
  if (!row) throw new LanguageError("42883", `function with OID ${oid} does not exist`);
  return row.found;
}

/** Errors: types that the language cannot take or give. */
export function checkTypes(spi: Spi, found: Definition): void {
  if (found.resultIsPseudo && !RESULT_PSEUDO_TYPES.test(found.resultName)) {
    throw new LanguageError("0A000", `PL/v8 functions cannot return type ${found.resultName}`);
  }
  for (const { type, pseudo } of found.arguments) {
    const [row] = pseudo
      ? (spi.rows(`SELECT typname::text FROM pg_catalog.pg_type WHERE oid = ${type}`) as {
          typname: string;
        }[])
      : [];
    if (row && !ARGUMENT_PSEUDO_TYPES.test(row.typname))
      throw new LanguageError("0A000", `PL/v8 functions cannot accept type ${row.typname}`);
  }
}
