-- A partition for each tenant, and tenants differ: 2,500, 900, 300, 100, 20 rows, one that has just
-- signed up, and a DEFAULT for the others.
-- collection: files
-- [tables]
CREATE TABLE files (tenant text NOT NULL, id bigint NOT NULL, body text, embedding vector(64),
  PRIMARY KEY (tenant, id)) PARTITION BY LIST (tenant);
DO $$ DECLARE t text; BEGIN FOREACH t IN ARRAY ARRAY['acme', 'bolt', 'crux', 'dune', 'echo',
  'fern'] LOOP EXECUTE format('CREATE TABLE files_%s PARTITION OF files FOR VALUES IN (%L)', t, t);
  END LOOP; END $$;
CREATE TABLE files_default PARTITION OF files DEFAULT;
-- [load]
INSERT INTO files SELECT t, g, md5(g::text), shapes.embedding(g)
  FROM (VALUES ('acme', 2500), ('bolt', 900), ('crux', 300), ('dune', 100), ('echo', 20),
  ('other', 40)) v(t, n), generate_series(1, n) g;
CREATE INDEX ON files USING hnsw (embedding vector_cosine_ops);
ANALYZE files;
-- [every hour]
INSERT INTO files SELECT 'acme', (random() * 1e12)::bigint, 'new', shapes.embedding(9000 + g)
  FROM generate_series(1, 20) g;
SELECT count(body) FROM files WHERE tenant = 'acme';
SELECT id FROM files WHERE tenant = 'acme' ORDER BY embedding <=> shapes.embedding(:hour) LIMIT 5;
-- [fault: index_fragmentation]
DELETE FROM files WHERE id % 5 <> 0;
VACUUM ANALYZE files;
