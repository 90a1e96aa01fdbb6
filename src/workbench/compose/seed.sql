-- What docker compose up shows: 65 % of the rows in one of eight partitions, which the loop heals
-- in the first minutes. A second time nothing is changed.
SELECT pg_catalog.to_regclass('public.docs') IS NULL AS fresh \gset
\if :fresh
BEGIN;
CREATE TABLE public.docs (id bigint, shard int, embedding public.vector(32),
  PRIMARY KEY (id, shard)) PARTITION BY LIST (shard);
SELECT format('CREATE TABLE public.docs_%1$s PARTITION OF public.docs FOR VALUES IN (%1$s)', shard)
  FROM generate_series(0, 7) shard \gexec
INSERT INTO public.docs
SELECT i, CASE WHEN i % 10 < 6 THEN 3 ELSE i % 8 END,
       (SELECT array_agg(sin(i * d)) FROM generate_series(1, 32) d)::public.vector
  FROM generate_series(1, 20000) i;
CREATE INDEX ON public.docs USING ivfflat (embedding public.vector_l2_ops) WITH (lists = 20);
COMMIT;
ANALYZE public.docs;
\endif
\o /dev/null
-- It is a show: in earnest a new collection is watched for 15 minutes and 20 samples first.
SELECT public.ruvector_healing_register('public.docs', '{"movable": true}');
SELECT public.ruvector_healing_configure('{"settle_seconds": 60, "settle_samples": 5}',
  'public.docs');
SELECT public.ruvector_healing_schedule('5 seconds');
