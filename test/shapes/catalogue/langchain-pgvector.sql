-- LangChain's PGVector: all collections in one table, vectors of any dimension and without a vector
-- index; a collection is deleted with its rows. 2,000 rows.
-- collection: langchain_pg_embedding
-- [tables]
CREATE TABLE langchain_pg_collection (uuid uuid PRIMARY KEY, name varchar NOT NULL UNIQUE,
  cmetadata json);
CREATE TABLE langchain_pg_embedding (id varchar PRIMARY KEY,
  collection_id uuid REFERENCES langchain_pg_collection (uuid) ON DELETE CASCADE, embedding vector,
  document varchar, cmetadata jsonb);
CREATE INDEX ix_cmetadata_gin ON langchain_pg_embedding USING gin (cmetadata jsonb_path_ops);
-- [load]
INSERT INTO langchain_pg_collection SELECT gen_random_uuid(), 'collection ' || g
  FROM generate_series(1, 5) g;
INSERT INTO langchain_pg_embedding
  SELECT gen_random_uuid()::text,
  (SELECT uuid FROM langchain_pg_collection WHERE name = 'collection ' || 1 + g % 5),
  shapes.embedding(g), shapes.paragraph(g), '{"source": "a.pdf", "page": 3}'
  FROM generate_series(1, 2000) g;
ANALYZE langchain_pg_embedding;
-- [every hour]
INSERT INTO langchain_pg_embedding
  SELECT gen_random_uuid()::text, (SELECT uuid FROM langchain_pg_collection LIMIT 1),
  shapes.embedding(9000 + g), shapes.paragraph(g), '{}' FROM generate_series(1, 10) g;
SELECT id FROM langchain_pg_embedding
  WHERE collection_id = (SELECT uuid FROM langchain_pg_collection LIMIT 1)
  ORDER BY embedding <=> shapes.embedding(:hour) LIMIT 4;
-- [fault: maintenance_contention]
CREATE INDEX ON langchain_pg_embedding (shapes.slowly(id));
