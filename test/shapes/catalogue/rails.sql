-- Rails with neighbor: a vector column added to a table that was there, HNSW by add_index ...
-- using: :hnsw. 2,000 rows.
-- collection: items
-- [tables]
CREATE TABLE items (id bigserial PRIMARY KEY, name character varying, price numeric(10, 2),
  created_at timestamp(6) NOT NULL, updated_at timestamp(6) NOT NULL);
-- [load]
INSERT INTO items (name, price, created_at, updated_at)
  SELECT md5(g::text), g, shapes.now(), shapes.now() FROM generate_series(1, 2000) g;
ALTER TABLE items ADD embedding vector(64);
UPDATE items SET embedding = shapes.embedding(id);
CREATE INDEX index_items_on_embedding ON items USING hnsw (embedding vector_cosine_ops);
VACUUM ANALYZE items;
-- [every hour]
INSERT INTO items (name, created_at, updated_at, embedding)
  SELECT 'new', shapes.now(), shapes.now(), shapes.embedding(9000 + :hour * 20 + g)
  FROM generate_series(1, 10) g;
UPDATE items SET price = price + 1, updated_at = shapes.now() WHERE id % 100 = :hour;
SELECT id FROM items ORDER BY embedding <=> shapes.embedding(:hour) LIMIT 5;
-- [fault: index_fragmentation]
DELETE FROM items WHERE id % 5 <> 0;
VACUUM ANALYZE items;
