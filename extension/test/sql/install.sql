-- The language and pgvector come along.
SET client_min_messages = warning;
CREATE EXTENSION ruvector_healing CASCADE;
SELECT extversion = ruvector_healing_version() AS version FROM pg_extension
 WHERE extname = 'ruvector_healing';
-- Everything is a member.
SELECT count(*) AS no_members FROM pg_proc p
 WHERE (p.pronamespace = 'ruvector'::regnamespace OR p.proname LIKE 'ruvector\_%')
   AND NOT EXISTS (SELECT FROM pg_depend d WHERE d.classid = 'pg_proc'::regclass
     AND d.objid = p.oid AND d.deptype = 'e');
