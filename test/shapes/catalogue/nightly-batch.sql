-- Everything is computed anew at two in the morning: TRUNCATE, load, REINDEX; read by day. 2,000
-- recommendations.
-- collection: recommendations
-- [tables]
CREATE TABLE recommendations (user_id bigint PRIMARY KEY, computed_at timestamptz NOT NULL,
  embedding vector(64) NOT NULL);
-- [load]
INSERT INTO recommendations SELECT g, shapes.now(), shapes.embedding(g)
  FROM generate_series(1, 2000) g;
CREATE INDEX recommendations_embedding ON recommendations USING hnsw (embedding vector_ip_ops);
ANALYZE recommendations;
-- [every hour]
SELECT embedding FROM recommendations WHERE user_id = 40 * :hour;
SELECT user_id FROM recommendations ORDER BY embedding <#> shapes.embedding(:hour) LIMIT 5;
-- [at 02:00]
TRUNCATE recommendations;
INSERT INTO recommendations SELECT g, shapes.now(), shapes.embedding(g + 1)
  FROM generate_series(1, 3100) g;
REINDEX INDEX recommendations_embedding;
ANALYZE recommendations;
-- [fault: index_fragmentation]
DELETE FROM recommendations WHERE user_id % 5 <> 0;
VACUUM ANALYZE recommendations;
