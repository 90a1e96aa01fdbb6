-- n8n's Postgres PGVector node: n8n_vectors, vectors without dimensions, no index; a workflow loads
-- it anew each night. 2,500 rows.
-- collection: n8n_vectors
-- [tables]
CREATE TABLE n8n_vectors (id uuid NOT NULL DEFAULT gen_random_uuid() PRIMARY KEY, text text,
  metadata jsonb, embedding vector);
-- [load]
INSERT INTO n8n_vectors (text, metadata, embedding)
  SELECT shapes.paragraph(g), '{}', shapes.embedding(g) FROM generate_series(1, 2500) g;
ANALYZE n8n_vectors;
-- [every hour]
SELECT id FROM n8n_vectors ORDER BY embedding <=> shapes.embedding(:hour) LIMIT 4;
-- [at 02:00]
DELETE FROM n8n_vectors;
INSERT INTO n8n_vectors (text, metadata, embedding)
  SELECT shapes.paragraph(g), '{}', shapes.embedding(g) FROM generate_series(1, 2500) g;
-- [fault: memory_pressure]
SELECT sum(length(text)) FROM n8n_vectors;
