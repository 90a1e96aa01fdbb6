-- One row, made with the first event that is chained: never by the installation, so that a dump
-- restores it.
CREATE TABLE IF NOT EXISTS ruvector.healing_audit_head (
  one       boolean PRIMARY KEY DEFAULT true CHECK (one),
  seq       bigint NOT NULL,
  hash      bytea NOT NULL,
  -- Where the events begin that are still here: retention removed those up to base_seq.
  base_seq  bigint NOT NULL DEFAULT 0,
  base_hash bytea NOT NULL,
  base_at   timestamptz
) WITH (fillfactor = 50);
COMMENT ON TABLE ruvector.healing_audit_head
  IS 'Last link of the hash chain over the events, and where it begins.';

CREATE TABLE IF NOT EXISTS ruvector.healing_audit_keys (
  -- The first 16 hex digits of the SHA-256 of the public key.
  key_id      text PRIMARY KEY,
  public_key  bytea NOT NULL CHECK (pg_catalog.octet_length(public_key) = 32),
  -- database: the private key is in healing_audit_secret; external: a signer outside has it.
  held_by     text NOT NULL CHECK (held_by IN ('database', 'external')),
  -- Of the private key, to notice that it is not here any more (a restored dump).
  secret_hash bytea,
  -- The event that introduced it, and the last one it may sign.
  first_seq   bigint NOT NULL,
  last_seq    bigint,
  created_at  timestamptz NOT NULL DEFAULT clock_timestamp(),
  retired_at  timestamptz
);
CREATE UNIQUE INDEX IF NOT EXISTS healing_audit_keys_active ON ruvector.healing_audit_keys ((true))
  WHERE retired_at IS NULL;
COMMENT ON TABLE ruvector.healing_audit_keys
  IS 'Public keys that signed the hash chain, each with the events it covers; one is active.';

CREATE TABLE IF NOT EXISTS ruvector.healing_audit_signatures (
  seq       bigint NOT NULL,
  key_id    text NOT NULL,
  -- The very text that was signed: ruvector_healing audit v1 <seq> <hash> <time>.
  head      text NOT NULL,
  signature bytea NOT NULL,
  signed_at timestamptz NOT NULL DEFAULT clock_timestamp(),
  PRIMARY KEY (seq, key_id)
);
COMMENT ON TABLE ruvector.healing_audit_signatures
  IS 'Ed25519 signatures over heads of the hash chain.';

-- The private key. A materialized view, because its row is in the database, its replicas and its
-- physical backups, but in no pg_dump: a restored dump starts with none, and whoever reads a dump
-- cannot sign. Each REFRESH is a new key. Three random UUIDs are 366 bits of PostgreSQL's strong
-- random source.
CREATE MATERIALIZED VIEW IF NOT EXISTS ruvector.healing_audit_secret AS
  SELECT pg_catalog.sha256(pg_catalog.uuid_send(pg_catalog.gen_random_uuid())
    OPERATOR(pg_catalog.||)
                           pg_catalog.uuid_send(pg_catalog.gen_random_uuid())
                             OPERATOR(pg_catalog.||)
                           pg_catalog.uuid_send(pg_catalog.gen_random_uuid())) AS secret
  WITH NO DATA;
REVOKE ALL ON ruvector.healing_audit_secret FROM PUBLIC;
COMMENT ON MATERIALIZED VIEW ruvector.healing_audit_secret
  IS 'Private key of the audit trail, not in dumps. To change it: SELECT '
  'ruvector_healing_audit_rotate_key();';
