-- Loaded long ago; nobody comes any more: 2,000 rows.
-- collection: archive
-- [tables]
CREATE TABLE archive (id bigserial PRIMARY KEY, body text, embedding vector(64));
-- [load]
INSERT INTO archive (body, embedding) SELECT md5(g::text), shapes.embedding(g)
  FROM generate_series(1, 2000) g;
CREATE INDEX ON archive USING hnsw (embedding vector_l2_ops);
ANALYZE archive;
-- [fault: index_fragmentation]
DELETE FROM archive WHERE id % 5 <> 0;
VACUUM ANALYZE archive;
