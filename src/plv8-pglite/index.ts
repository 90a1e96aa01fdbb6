/**
 * PostgreSQL in this process, with pgvector and a LANGUAGE plv8 (README.md). It stands alone, and
 * imports nothing of what runs in it.
 */
export type { DatabaseNotice, EmbeddedDatabase, EmbeddedOptions } from "./client.ts";
export { EmbeddedError, openEmbedded } from "./client.ts";
