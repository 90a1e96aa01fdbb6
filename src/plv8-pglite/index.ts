/**
 * PostgreSQL in this process, with pgvector and a LANGUAGE plv8: what the demo and the quick tests
 * run on (docs/embedded.md). It lies outside the bundle, and implements for one database what the
 * bundle finds on a server.
 */
export type { DatabaseNotice, EmbeddedDatabase, EmbeddedOptions } from "./client.ts";
export { EmbeddedError, openEmbedded } from "./client.ts";
