-- Three vectors a row, each with an index: title, body and picture of 2,500 products.
-- collection: products
-- [tables]
CREATE TABLE products (id bigserial PRIMARY KEY, name text, title_embedding vector(64),
  body_embedding vector(64), image_embedding halfvec(128));
-- [load]
INSERT INTO products (name, title_embedding, body_embedding, image_embedding)
SELECT md5(g::text), shapes.embedding(g), shapes.embedding(g * 3),
  CASE WHEN g % 4 = 0 THEN shapes.embedding(g, 128)::halfvec(128) END
  FROM generate_series(1, 2500) g;
CREATE INDEX ON products USING hnsw (title_embedding vector_cosine_ops);
CREATE INDEX ON products USING hnsw (body_embedding vector_cosine_ops);
CREATE INDEX ON products USING ivfflat (image_embedding halfvec_cosine_ops) WITH (lists = 5);
ANALYZE products;
-- [every hour]
INSERT INTO products (name, title_embedding, body_embedding)
  SELECT 'new', shapes.embedding(8000 + :hour * 9 + g), shapes.embedding(9000 + g)
  FROM generate_series(1, 5) g;
SELECT id FROM products ORDER BY title_embedding <=> shapes.embedding(:hour) LIMIT 5;
SELECT id FROM products ORDER BY body_embedding <=> shapes.embedding(:hour) LIMIT 5;
-- [fault: index_fragmentation]
DELETE FROM products WHERE id % 5 <> 0;
VACUUM ANALYZE products;
