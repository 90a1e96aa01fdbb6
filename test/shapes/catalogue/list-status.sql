-- LIST by status: rows pass from draft over active to archived, which holds most of 3,000 rows and
-- is hardly read.
-- collection: offers
-- [tables]
CREATE TABLE offers (status text NOT NULL DEFAULT 'draft', id bigserial, body text,
  embedding vector(64), PRIMARY KEY (status, id)) PARTITION BY LIST (status);
CREATE TABLE offers_draft PARTITION OF offers FOR VALUES IN ('draft');
CREATE TABLE offers_active PARTITION OF offers FOR VALUES IN ('active');
CREATE TABLE offers_archived PARTITION OF offers FOR VALUES IN ('archived', 'deleted');
-- [load]
INSERT INTO offers (status, body, embedding) SELECT
  CASE WHEN g % 40 = 0 THEN 'draft' WHEN g % 10 = 1 THEN 'active' ELSE 'archived' END, md5(g::text),
  shapes.embedding(g) FROM generate_series(1, 3000) g;
CREATE INDEX ON offers USING hnsw (embedding vector_cosine_ops);
ANALYZE offers;
-- [every hour]
INSERT INTO offers (body, embedding) SELECT 'new', shapes.embedding(9000 + g)
  FROM generate_series(1, 10) g;
UPDATE offers SET status = 'active' WHERE status = 'draft' AND id % 7 = :hour % 7;
UPDATE offers SET status = 'archived' WHERE status = 'active' AND id % 31 = :hour % 31;
SELECT id FROM offers WHERE status = 'active' ORDER BY embedding <=> shapes.embedding(:hour)
  LIMIT 5;
-- [fault: maintenance_contention]
CREATE INDEX ON offers (shapes.slowly(body));
