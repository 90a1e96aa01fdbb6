-- Another model's vectors are written into a second column, hour by hour, its index there from the
-- beginning; the first is searched meanwhile, and some searches go to the second. 2,400 rows.
-- collection: articles
-- [tables]
CREATE TABLE articles (id bigserial PRIMARY KEY, title text, embedding vector(64));
-- [load]
INSERT INTO articles (title, embedding) SELECT md5(g::text), shapes.embedding(g)
  FROM generate_series(1, 2400) g;
CREATE INDEX ON articles USING hnsw (embedding vector_cosine_ops);
ALTER TABLE articles ADD embedding_v2 halfvec(128);
CREATE INDEX ON articles USING hnsw (embedding_v2 halfvec_cosine_ops);
VACUUM ANALYZE articles;
-- [every hour]
UPDATE articles SET embedding_v2 = shapes.embedding(id * 3, 128)::halfvec(128)
  WHERE id IN (SELECT id FROM articles WHERE embedding_v2 IS NULL ORDER BY id LIMIT 40);
SELECT id FROM articles ORDER BY embedding <=> shapes.embedding(:hour) LIMIT 5;
SELECT id FROM articles
  ORDER BY embedding_v2 <=> shapes.embedding(:hour, 128)::halfvec(128) LIMIT 5;
-- [fault: index_fragmentation]
DELETE FROM articles WHERE id % 5 <> 0;
VACUUM ANALYZE articles;
