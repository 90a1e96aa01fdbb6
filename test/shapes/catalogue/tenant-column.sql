-- Tenants in one table by a column, one of them growing fast: 2,000 rows of 20 tenants, 100 more of
-- one every time.
-- collection: knowledge
-- [tables]
CREATE TABLE knowledge (tenant_id int NOT NULL, id bigserial, body text, embedding vector(64),
  PRIMARY KEY (tenant_id, id));
-- [load]
INSERT INTO knowledge (tenant_id, body, embedding) SELECT g % 20, md5(g::text), shapes.embedding(g)
  FROM generate_series(1, 2000) g;
CREATE INDEX ON knowledge USING hnsw (embedding vector_cosine_ops);
ANALYZE knowledge;
-- [every hour]
INSERT INTO knowledge (tenant_id, body, embedding)
  SELECT 7, 'import', shapes.embedding(9000 + :hour * 99 + g) FROM generate_series(1, 40) g;
SELECT id FROM knowledge WHERE tenant_id = 7 ORDER BY embedding <=> shapes.embedding(:hour) LIMIT 5;
-- [fault: maintenance_contention]
CREATE INDEX ON knowledge (shapes.slowly(body));
