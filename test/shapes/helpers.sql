-- What the catalogue's files use: vectors, and the clock of the simulated day. It ends at the real
-- now, so that no row lies in the future.
CREATE SCHEMA shapes;
GRANT USAGE ON SCHEMA shapes TO PUBLIC;
CREATE TABLE shapes.clock (elapsed interval NOT NULL);
INSERT INTO shapes.clock VALUES ('0');
GRANT SELECT ON shapes.clock TO PUBLIC;

-- The simulated time: a day ago when the day begins.
CREATE FUNCTION shapes.now() RETURNS timestamptz LANGUAGE sql STABLE AS
$$ SELECT clock_timestamp() - interval '1 day' + elapsed FROM shapes.clock $$;

-- Vector number n: round one of 40 centres, as embeddings of texts on 40 subjects; the same n gives
-- the same vector.
CREATE FUNCTION shapes.elements(n bigint, dimensions int) RETURNS real[] LANGUAGE sql IMMUTABLE AS
$$ SELECT array_agg((sin((n % 40 + 1) * d * 0.7) + 0.35 *
  (hashint8extended(n * 4096 + d, 0) % 1000) / 1000.0)::real ORDER BY d)
  FROM generate_series(1, dimensions) d $$;

CREATE FUNCTION shapes.embedding(n bigint, dimensions int DEFAULT 64) RETURNS vector
  LANGUAGE sql IMMUTABLE AS
$$ SELECT shapes.elements(n, dimensions)::vector $$;

-- A text of about a paragraph.
CREATE FUNCTION shapes.paragraph(n bigint) RETURNS text LANGUAGE sql IMMUTABLE AS
$$ SELECT repeat(md5(n::text) || ' ', 8) $$;

-- An expression that takes its time: an index on it is built as slowly as one on a large table.
CREATE FUNCTION shapes.slowly(value text) RETURNS text LANGUAGE plpgsql IMMUTABLE AS
$$ BEGIN PERFORM pg_sleep(0.05); RETURN value; END $$;
