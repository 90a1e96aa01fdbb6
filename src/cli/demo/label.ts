/** Nodes of the contracted graph by the names people know: the table of a partition, without kind and schema. */
export const label = (id: string): string => (id.startsWith("shard:") ? "this server" : id.replace(/^.*[.:]/, ""));
