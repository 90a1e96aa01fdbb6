-- mem0 on pgvector: id, vector and payload, HNSW when asked for; memories are changed and deleted
-- as facts change. 2,000 rows.
-- collection: mem0
-- [tables]
CREATE TABLE mem0 (id uuid PRIMARY KEY, vector vector(64), payload jsonb);
CREATE INDEX mem0_hnsw_idx ON mem0 USING hnsw (vector vector_cosine_ops);
-- [load]
INSERT INTO mem0 SELECT gen_random_uuid(), shapes.embedding(g),
  jsonb_build_object('user_id', 'user ' || g % 100, 'data', md5(g::text))
  FROM generate_series(1, 2000) g;
ANALYZE mem0;
-- [every hour]
INSERT INTO mem0 SELECT gen_random_uuid(), shapes.embedding(9000 + :hour * 30 + g),
  jsonb_build_object('user_id', 'user 7') FROM generate_series(1, 10) g;
UPDATE mem0 SET vector = shapes.embedding(9500 + :hour), payload = payload || '{"updated": true}'
  WHERE id IN (SELECT id FROM mem0 WHERE payload ->> 'user_id' = 'user ' || :hour LIMIT 3);
DELETE FROM mem0 WHERE id IN (SELECT id FROM mem0
  WHERE payload ->> 'user_id' = 'user ' || 30 + :hour LIMIT 3);
SELECT id FROM mem0 WHERE payload ->> 'user_id' = 'user 7'
  ORDER BY vector <=> shapes.embedding(:hour) LIMIT 5;
-- [fault: index_fragmentation]
DELETE FROM mem0 WHERE id::text < 'c';
VACUUM ANALYZE mem0;
