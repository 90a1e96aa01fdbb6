/**
 * Searches with filters, as they are used: data, never SQL. Columns are looked up in the catalogue
 * whenever they are used, values go through their types.
 */
import sql from "sql-template-tag";
import { printable } from "../base/text.ts";
import type { Host } from "../host/host.ts";
import type { SearchInput, SearchValue } from "../model/recall.ts";

/**
 * The condition of a search, as the columns of the table are now.
 * @throws SqlError RV001 where a column or value does not fit, RV034 where its = is somebody's code
 */
export const searchPredicate = (host: Host, relid: string, { where }: SearchInput) =>
  host.one<{ predicate: string }>(sql`
    SELECT ruvector.healing_search_where(${relid}::oid, ${JSON.stringify(where)}::jsonb)
      AS predicate`).predicate;

const plain = (name: string): string =>
  /^[a-z_][a-z0-9_$]*$/.test(name) ? name : `"${name.replace(/"/g, '""')}"`;

const quoted = (value: SearchValue): string =>
  typeof value === "string" ? `'${value.replace(/'/g, "''")}'` : String(value);

/** As people write it, on one line: "tenant_id = 7 AND status IN ('a', 'b')". */
export const searchText = ({ where }: SearchInput): string =>
  printable(
    Object.entries(where)
      .map(([name, given]) => {
        const all = Array.isArray(given) ? given : [given];
        const values = all.filter((value) => value !== null).map(quoted);
        const [first, second] = values;
        const equal =
          second === undefined
            ? `${plain(name)} = ${first}`
            : `${plain(name)} IN (${values.join(", ")})`;
        const none = `${plain(name)} IS NULL`;
        if (first === undefined) return none;
        return values.length < all.length ? `(${equal} OR ${none})` : equal;
      })
      .join(" AND "),
    160,
  );
