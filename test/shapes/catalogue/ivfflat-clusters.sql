-- A fifth of the texts say nearly the same, and no build of an IVFFlat index spreads near
-- duplicates over lists: 9,000 rows, the fullest list 12 times the mean when new.
-- collection: documents
-- [tables]
CREATE TABLE documents (id bigserial PRIMARY KEY, embedding vector(32));
-- [load]
INSERT INTO documents (embedding) SELECT CASE WHEN g % 5 = 0 THEN
  (SELECT array_agg((sin(d * 3.1) + 0.00001 * (hashint8extended(g * 4096 + d, 0) % 1000))::real)
    FROM generate_series(1, 32) d)::vector
  ELSE shapes.embedding(g, 32) END FROM generate_series(1, 9000) g;
CREATE INDEX ON documents USING ivfflat (embedding vector_l2_ops) WITH (lists = 60);
ANALYZE documents;
-- [every hour]
INSERT INTO documents (embedding) SELECT shapes.embedding(20000 + :hour * 50 + g, 32)
  FROM generate_series(1, 20) g;
SELECT id FROM documents ORDER BY embedding <-> shapes.embedding(:hour, 32) LIMIT 10;
-- [fault: centroid_skew]
-- So far away that one list takes them all, whichever lists there are; another build spreads them.
INSERT INTO documents (embedding)
  SELECT shapes.embedding(g, 32) * array_fill(0.5::real, ARRAY[32])::vector
         + array_fill(9::real, ARRAY[32])::vector
    FROM generate_series(1, 24000) g;
ANALYZE documents;
