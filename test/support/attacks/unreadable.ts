import { A } from './chains.js'

/** SQL that makes Postgres fail at one row of chain A: the row's relation_path is stored out of line, and is damaged there. */
export function unreadableRow(seq: number): string {
  return `
    UPDATE audit_log_entry
    SET relation_path = ARRAY(SELECT encode(sha512(n::text::bytea), 'hex') FROM generate_series(1, 64) AS n)
    WHERE domain_id = '${A}' AND seq = ${seq};
    -- A TOAST table takes no UPDATE, so it passes for a table meanwhile.
    SET allow_system_table_mods = on;
    DO $$
    DECLARE toast regclass := (SELECT reltoastrelid FROM pg_class WHERE oid = 'audit_log_entry'::regclass);
    BEGIN
      UPDATE pg_class SET relkind = 'r' WHERE oid = toast;
      EXECUTE format('UPDATE %s SET chunk_seq = chunk_seq + 1000', toast);
      UPDATE pg_class SET relkind = 't' WHERE oid = toast;
    END $$;`
}
