/** How deep a document is nested; without recursion, which such a document would end. */
export function depthOf(document: unknown): number {
  let depth = 0;
  for (let level = [document]; level.length > 0; depth++)
    level = level.flatMap((each) =>
      typeof each === "object" && each !== null ? Object.values(each) : [],
    );
  return depth - 1;
}
