-- A table with an HNSW index, as pgvector's README begins: 2,000 rows, some inserted, changed and
-- deleted every hour.
-- collection: items
-- [tables]
CREATE TABLE items (id bigserial PRIMARY KEY, embedding vector(64));
-- [load]
INSERT INTO items (embedding) SELECT shapes.embedding(g) FROM generate_series(1, 2000) g;
CREATE INDEX ON items USING hnsw (embedding vector_l2_ops);
ANALYZE items;
-- [every hour]
INSERT INTO items (embedding) SELECT shapes.embedding(10000 + :hour * 20 + g)
  FROM generate_series(1, 10) g;
UPDATE items SET embedding = shapes.embedding(id + 7) WHERE id BETWEEN :hour * 5 AND :hour * 5 + 2;
DELETE FROM items WHERE id BETWEEN 1000 + :hour * 5 AND 1002 + :hour * 5;
SELECT id FROM items ORDER BY embedding <-> shapes.embedding(:hour) LIMIT 5;
-- [fault: index_fragmentation]
DELETE FROM items WHERE id % 5 <> 0;
VACUUM ANALYZE items;
