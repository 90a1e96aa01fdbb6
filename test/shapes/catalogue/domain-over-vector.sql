-- The company's own type, a domain over vector, indexed by a cast: 4,000 passages with HNSW.
-- collection: passages
-- [tables]
CREATE DOMAIN embedding AS vector CHECK (vector_dims(VALUE) = 8);
CREATE TABLE passages (id bigserial PRIMARY KEY, body text, v embedding NOT NULL);
-- [load]
INSERT INTO passages (body, v) SELECT md5(g::text), shapes.embedding(g, 8)
  FROM generate_series(1, 4000) g;
CREATE INDEX ON passages USING hnsw ((v::vector(8)) vector_cosine_ops);
ANALYZE passages;
-- [every hour]
INSERT INTO passages (body, v) SELECT 'new', shapes.embedding(90000 + :hour * 10 + g, 8)
  FROM generate_series(1, 5) g;
SELECT id FROM passages ORDER BY v::vector(8) <=> shapes.embedding(:hour, 8) LIMIT 5;
-- [fault: index_fragmentation]
DELETE FROM passages WHERE id % 5 <> 0;
VACUUM ANALYZE passages;
