-- Normalized vectors searched by inner product, with an HNSW index of larger m: 2,000 rows.
-- collection: faces
-- [tables]
CREATE TABLE faces (id bigserial PRIMARY KEY, person text, embedding vector(64) NOT NULL);
-- [load]
INSERT INTO faces (person, embedding) SELECT 'person ' || g % 300, l2_normalize(shapes.embedding(g))
  FROM generate_series(1, 2000) g;
CREATE INDEX ON faces USING hnsw (embedding vector_ip_ops) WITH (m = 24, ef_construction = 100);
CREATE INDEX ON faces (person);
ANALYZE faces;
-- [every hour]
INSERT INTO faces (person, embedding)
  SELECT 'person ' || g, l2_normalize(shapes.embedding(9000 + :hour * 9 + g))
  FROM generate_series(1, 5) g;
SELECT person FROM faces ORDER BY embedding <#> l2_normalize(shapes.embedding(:hour)) LIMIT 5;
-- [fault: index_fragmentation]
DELETE FROM faces WHERE id % 5 <> 0;
VACUUM ANALYZE faces;
