-- Perceptual hashes of images in a bit column, searched by Hamming distance: 4,000 rows with HNSW.
-- collection: images
-- [tables]
CREATE TABLE images (id bigserial PRIMARY KEY, url text, hash bit(64));
-- [load]
INSERT INTO images (url, hash) SELECT md5(g::text), hashint8extended(g, 0)::bit(64)
  FROM generate_series(1, 4000) g;
CREATE INDEX ON images USING hnsw (hash bit_hamming_ops);
ANALYZE images;
-- [every hour]
INSERT INTO images (url, hash) SELECT 'new', hashint8extended(90000 + :hour * 10 + g, 0)::bit(64)
  FROM generate_series(1, 5) g;
SELECT id FROM images ORDER BY hash <~> hashint8extended(:hour, 0)::bit(64) LIMIT 5;
-- [fault: index_fragmentation]
DELETE FROM images WHERE id % 5 <> 0;
VACUUM ANALYZE images;
