-- HASH by id into 8 partitions, even: 3,000 rows.
-- collection: items
-- [tables]
CREATE TABLE items (id bigint PRIMARY KEY, embedding vector(64)) PARTITION BY HASH (id);
DO $$ BEGIN FOR i IN 0..7 LOOP
  EXECUTE format('CREATE TABLE items_%s PARTITION OF items '
    'FOR VALUES WITH (MODULUS 8, REMAINDER %s)', i, i);
END LOOP; END $$;
-- [load]
INSERT INTO items SELECT g, shapes.embedding(g) FROM generate_series(1, 3000) g;
CREATE INDEX ON items USING hnsw (embedding vector_l2_ops);
ANALYZE items;
-- [every hour]
INSERT INTO items SELECT (random() * 1e12)::bigint, shapes.embedding(9000 + g)
  FROM generate_series(1, 10) g;
SELECT id FROM items ORDER BY embedding <-> shapes.embedding(:hour) LIMIT 5;
-- [fault: maintenance_contention]
CREATE INDEX ON items (shapes.slowly(id::text));
