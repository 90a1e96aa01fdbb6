-- Made anew beside it and exchanged by renaming, at two in the morning; read by day. 2,000 rows.
-- collection: catalog
-- [tables]
CREATE TABLE catalog (sku bigint PRIMARY KEY, name text, embedding vector(64));
-- [load]
INSERT INTO catalog SELECT g, md5(g::text), shapes.embedding(g) FROM generate_series(1, 2000) g;
CREATE INDEX ON catalog USING hnsw (embedding vector_cosine_ops);
ANALYZE catalog;
-- [every hour]
SELECT sku FROM catalog ORDER BY embedding <=> shapes.embedding(:hour) LIMIT 5;
-- [at 02:00]
CREATE TABLE catalog_next (LIKE catalog INCLUDING DEFAULTS);
INSERT INTO catalog_next SELECT g, md5(g::text), shapes.embedding(g + 5)
  FROM generate_series(1, 2300) g;
ALTER TABLE catalog_next ADD PRIMARY KEY (sku);
CREATE INDEX ON catalog_next USING hnsw (embedding vector_cosine_ops);
ANALYZE catalog_next;
BEGIN;
ALTER TABLE catalog RENAME TO catalog_last;
ALTER TABLE catalog_next RENAME TO catalog;
COMMIT;
DROP TABLE catalog_last;
-- [fault: index_fragmentation]
DELETE FROM catalog WHERE sku % 5 <> 0;
VACUUM ANALYZE catalog;
