-- What this script adds to an extension would be no member of it: not dropped with it, and in dumps
-- beside it.
DO $form$
BEGIN
  IF EXISTS (SELECT FROM pg_catalog.pg_extension e WHERE e.extname = 'ruvector_healing') THEN
    RAISE EXCEPTION USING ERRCODE = 'RV038',
      MESSAGE = 'ruvector_healing is installed as an extension here',
      DETAIL = pg_catalog.format('Installed is %s, this is the plain script of {{VERSION}}.',
        (SELECT e.extversion FROM pg_catalog.pg_extension e WHERE e.extname = 'ruvector_healing')),
      HINT = 'ALTER EXTENSION ruvector_healing UPDATE;';
  END IF;
END
$form$;
