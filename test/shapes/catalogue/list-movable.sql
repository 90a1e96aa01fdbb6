-- The owner consents to moving rows, and the spread is as it should be: the key is given by
-- ruvector_healing_route(), 6 partitions, 2,400 rows.
-- collection: embeddings
-- options: {"movable": true}
-- [tables]
CREATE TABLE embeddings (partition_id int NOT NULL, id bigint NOT NULL, body text,
  embedding vector(64), PRIMARY KEY (partition_id, id)) PARTITION BY LIST (partition_id);
DO $$ BEGIN FOR i IN 0..5 LOOP
  EXECUTE format('CREATE TABLE embeddings_%s PARTITION OF embeddings FOR VALUES IN (%s)', i, i);
  END LOOP; END $$;
-- [load]
INSERT INTO embeddings SELECT g % 6, g, md5(g::text), shapes.embedding(g)
  FROM generate_series(1, 2400) g;
CREATE INDEX ON embeddings USING hnsw (embedding vector_cosine_ops);
ANALYZE embeddings;
-- [every hour]
INSERT INTO embeddings SELECT ruvector_healing_route(current_schema() || '.embeddings',
  n::text)::int, n, 'new', shapes.embedding(n % 9000) FROM (SELECT (random() * 1e12)::bigint n
  FROM generate_series(1, 20)) s;
SELECT id FROM embeddings ORDER BY embedding <=> shapes.embedding(:hour) LIMIT 5;
-- [fault: hotspot_congestion]
INSERT INTO embeddings SELECT 3, 20000 + g, 'hot', shapes.embedding(g)
  FROM generate_series(1, 3000) g;
ANALYZE embeddings;
