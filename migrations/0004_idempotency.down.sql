-- There is no way down: without its keys, an append that is tried again would write its row twice.
DO $$
BEGIN
  RAISE EXCEPTION 'migration 0004_idempotency cannot be undone: the audit log is write-once'
    USING ERRCODE = 'feature_not_supported',
          HINT = 'To discard a log on purpose, drop the database that holds it.';
END
$$;
