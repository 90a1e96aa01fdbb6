-- Sparse vectors of a lexical model (30,000 words, some 32 set): 2,000 rows with HNSW.
-- collection: lexical
-- [tables]
CREATE TABLE lexical (id bigserial PRIMARY KEY, content text, embedding sparsevec(30000));
-- [load]
INSERT INTO lexical (content, embedding)
SELECT md5(g::text), (SELECT format('{%s}/30000',
  string_agg(format('%s:%s', 1 + (g % 40) * 500 + k * 37 + (g * k) % 36, 0.2 + (g % 7) * 0.1), ','))
  FROM generate_series(0, 31) k)::sparsevec FROM generate_series(1, 2000) g;
CREATE INDEX ON lexical USING hnsw (embedding sparsevec_ip_ops);
ANALYZE lexical;
-- [every hour]
INSERT INTO lexical (content, embedding) SELECT 'new', '{1:0.5,70:0.3,900:0.2}/30000'::sparsevec
  FROM generate_series(1, 3);
SELECT id FROM lexical ORDER BY embedding <#> '{1:0.5,70:0.3,900:0.2}/30000' LIMIT 10;
-- [fault: index_fragmentation]
DELETE FROM lexical WHERE id % 5 <> 0;
VACUUM ANALYZE lexical;
