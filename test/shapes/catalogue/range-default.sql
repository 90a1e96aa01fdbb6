-- Quarters, with a DEFAULT partition for what fits nowhere (a few rows with wrong dates): 2,000
-- rows.
-- collection: invoices
-- [tables]
CREATE TABLE invoices (id bigint NOT NULL, issued date NOT NULL, body text, embedding vector(64),
  PRIMARY KEY (id, issued)) PARTITION BY RANGE (issued);
DO $$ DECLARE d date; BEGIN
  FOR d IN SELECT generate_series(date_trunc('quarter', shapes.now()) - interval '1 year',
    date_trunc('quarter', shapes.now()) + interval '3 months', '3 months') LOOP
    EXECUTE format('CREATE TABLE invoices_%s PARTITION OF invoices FOR VALUES FROM (%L) TO (%L)',
      to_char(d, 'YYYYMM'), d, d + interval '3 months');
  END LOOP; END $$;
CREATE TABLE invoices_default PARTITION OF invoices DEFAULT;
CREATE INDEX ON invoices USING ivfflat (embedding vector_l2_ops) WITH (lists = 2);
-- [load]
INSERT INTO invoices SELECT g, shapes.now()::date - g / 9, md5(g::text), shapes.embedding(g)
  FROM generate_series(1, 2000) g;
INSERT INTO invoices SELECT g, '1970-01-01', 'wrong', shapes.embedding(g)
  FROM generate_series(3001, 3010) g;
REINDEX TABLE invoices;
ANALYZE invoices;
-- [every hour]
INSERT INTO invoices SELECT (random() * 1e12)::bigint, shapes.now()::date, 'new',
  shapes.embedding(9000 + g) FROM generate_series(1, 5) g;
SELECT id FROM invoices ORDER BY embedding <-> shapes.embedding(:hour) LIMIT 5;
-- [fault: maintenance_contention]
CREATE INDEX ON invoices (shapes.slowly(body));
