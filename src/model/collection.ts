/** A collection: a table with vectors that is registered. */
import type { Configuration } from "./configuration.ts";
import type { Search } from "./recall.ts";

/** A registered collection, as `ruvector.collections` holds it. */
export interface Collection {
  readonly id: number;
  /** Quoted by the server, e.g. `public.embeddings`: for people and for statements alike. */
  readonly name: string;
  readonly schema_name: string;
  readonly table_name: string;
  readonly relid: string;
  readonly partition_strategy: "list" | "range" | "hash" | "none";
  readonly partition_column: Column | null;
  /**
   * The owner said that the partition column only spreads the rows: {"movable": true}, or its
   * DEFAULT asks ruvector_healing_route() for this table. Never by a column's name, never for RANGE
   * and HASH, where a row's place follows from its values.
   */
  readonly movable: boolean;
  readonly primary_key: readonly Column[];
  readonly vector_column: string;
  readonly tenant_column: string | null;
  /**
   * Newest or largest is hottest: a time of last use, a count of uses; null: none was named at
   * registration.
   */
  readonly access_column: Column | null;
  /** Partition key value of the cold partition; null: none was named. */
  readonly cold_partition: string | null;
  /** Searches with filters that its owner named. */
  readonly searches: readonly Search[];
  readonly limitations: readonly Limitation[];
  readonly settings: Configuration;
}

export interface Column {
  readonly name: string;
  /** `quote_ident` of the name, made by the server. */
  readonly quoted: string;
  /** `format_type` of the column, e.g. `character varying(10)`. */
  readonly type: string;
}

/** What its owner said when it was registered, as far as anything depends on it. */
export interface RegisteredOptions {
  readonly movable?: boolean | undefined;
  readonly access_column?: string | undefined;
  readonly cold_partition?: unknown;
  readonly tenant_column?: string | undefined;
  readonly searches?: readonly { readonly where: object }[] | undefined;
}

/** Why a strategy does not apply to a collection, and what would make it apply. */
export interface Limitation {
  readonly strategy: string;
  readonly reason: string;
  readonly hint: string;
}
