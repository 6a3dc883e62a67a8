-- There is no way down: the tables hold evidence.
DO $$
BEGIN
  RAISE EXCEPTION 'migration 0016_fewer_indexes cannot be undone: the audit log is write-once'
    USING ERRCODE = 'feature_not_supported',
          HINT = 'To discard a log on purpose, drop the database that holds it.';
END
$$;
