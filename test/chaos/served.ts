/** Whether a collection is served, whatever another one suffers. */
import { BUSY, PLAIN } from "./tables.ts";
import type { World } from "./world.ts";

/** However this session quotes names. */
export const idOf = (table: string): string => {
  const [schema, name] = table.split(".");
  return (
    `(SELECT c.collection_id FROM ruvector.collections c WHERE c.schema_name = '${schema}' AND ` +
    `c.table_name = '${name}')`
  );
};

/** It is sampled again within so many seconds. */
export async function served(
  world: World,
  table: string,
  seconds: number,
  what: string,
): Promise<void> {
  const statement =
    "SELECT s.sampled_at::text FROM ruvector.integrity_state s WHERE s.collection_id = " +
    `${idOf(table)}`;
  const before = await world.value<string | null>(statement);
  const now = await world.until<string | null>(statement, (at) => at !== before, seconds);
  if (now === before) throw new Error(`${table} was not served for ${seconds} s while ${what}`);
}

export const other = (table: string): string => (table === BUSY.name ? PLAIN.name : BUSY.name);
