/** Names of relations as people write them. Pure. */

const PART = /"((?:[^"]|"")+)"|([\p{L}_][\p{L}\p{N}_$]*)/uy;

/** `a."B c"` is ["a", "B c"]; null: it is no name. */
function partsOf(name: string): readonly string[] | null {
  const parts: string[] = [];
  for (let at = 0; ; at++) {
    PART.lastIndex = at;
    const found = PART.exec(name);
    if (!found) return null;
    parts.push(found[1]?.replace(/""/g, '"') ?? found[2]!.toLowerCase());
    at = PART.lastIndex;
    if (at === name.length) return parts;
    if (name[at] !== ".") return null;
  }
}

/**
 * Whether somebody means a relation: by `name` or `schema.name`, quoted or not where that is the
 * same.
 * @param relation `schema.name`, quoted where that is needed
 * @param schema the one that a name without a schema is of, unquoted
 */
export function isNamed(relation: string, asked: string, schema: string): boolean {
  if (asked === relation || `${schema}.${asked}` === relation) return true;
  const parts = partsOf(asked.trim());
  if (parts === null || parts.length > 2) return false;
  const [of, name] = parts.length === 2 ? parts : [schema, parts[0]];
  const is = partsOf(relation);
  return is !== null && is[0] === of && is[1] === name;
}
