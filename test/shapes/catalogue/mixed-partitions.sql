-- Grown over years: old partitions without a vector index, one with IVFFlat, the new ones with
-- HNSW, other fillfactors, a column added later. 5,000 rows.
-- collection: history
-- [tables]
CREATE TABLE history (id bigint NOT NULL, year int NOT NULL, embedding vector(64),
  PRIMARY KEY (id, year)) PARTITION BY RANGE (year);
CREATE TABLE history_old PARTITION OF history FOR VALUES FROM (MINVALUE) TO (2022);
CREATE TABLE history_2022 PARTITION OF history FOR
  VALUES FROM (2022) TO (2024) WITH (fillfactor = 80);
CREATE TABLE history_2024 PARTITION OF history FOR VALUES FROM (2024) TO (2026);
CREATE TABLE history_new (id bigint NOT NULL, year int NOT NULL, embedding vector(64))
  WITH (fillfactor = 70);
ALTER TABLE history ATTACH PARTITION history_new FOR VALUES FROM (2026) TO (MAXVALUE);
-- [load]
INSERT INTO history SELECT g,
  CASE WHEN g <= 2500 THEN 2015 + g % 7 WHEN g <= 3900 THEN 2022 + g % 2 WHEN g <= 4700
  THEN 2024 + g % 2 ELSE 2026 END, shapes.embedding(g) FROM generate_series(1, 5000) g;
ALTER TABLE history ADD COLUMN note text;
CREATE INDEX ON history_2022 USING ivfflat (embedding vector_l2_ops) WITH (lists = 4);
CREATE INDEX ON history_2024 USING hnsw (embedding vector_l2_ops);
CREATE INDEX ON history_new USING hnsw (embedding vector_l2_ops);
ANALYZE history;
-- [every hour]
INSERT INTO history SELECT (random() * 1e12)::bigint, 2026, shapes.embedding(9000 + g)
  FROM generate_series(1, 20) g;
SELECT id FROM history WHERE year >= 2024 ORDER BY embedding <-> shapes.embedding(:hour) LIMIT 5;
-- [fault: maintenance_contention]
CREATE INDEX ON history (shapes.slowly(id::text));
