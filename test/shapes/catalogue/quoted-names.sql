-- An ORM's camel-case names, which need quotes everywhere: 2,000 rows.
-- collection: "DocumentChunk"
-- [tables]
CREATE TABLE "DocumentChunk" ("Id" serial PRIMARY KEY, "Index" int NOT NULL,
  "documentId" uuid NOT NULL, "Embedding" vector(64));
-- [load]
INSERT INTO "DocumentChunk" ("Index", "documentId", "Embedding")
  SELECT g % 10, gen_random_uuid(), shapes.embedding(g) FROM generate_series(1, 2000) g;
CREATE INDEX "DocumentChunk_Embedding_idx" ON "DocumentChunk"
  USING hnsw ("Embedding" vector_cosine_ops);
ANALYZE "DocumentChunk";
-- [every hour]
INSERT INTO "DocumentChunk" ("Index", "documentId", "Embedding")
  SELECT g, gen_random_uuid(), shapes.embedding(9000 + :hour * 20 + g)
  FROM generate_series(1, 10) g;
SELECT "Id" FROM "DocumentChunk" ORDER BY "Embedding" <=> shapes.embedding(:hour) LIMIT 5;
-- [fault: index_fragmentation]
DELETE FROM "DocumentChunk" WHERE "Id" % 5 <> 0;
VACUUM ANALYZE "DocumentChunk";
