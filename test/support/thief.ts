import { asSuperuser } from './postgres.js'

/** What a trigger does to a write: `withhold` it before it is done, or `undo` it at COMMIT. */
export type Theft = 'withhold' | 'undo'

export const THEFTS: readonly Theft[] = ['withhold', 'undo']

/**
 * The undoing function puts the row back as it was, without the guards of the tables. A row is found by its text, since some
 * columns have no equality. With an argument, both functions only give the row the values that the argument names.
 */
const FUNCTIONS = `
  CREATE FUNCTION thief_withhold() RETURNS trigger LANGUAGE plpgsql AS $$
  BEGIN
    IF TG_NARGS > 0 THEN RETURN jsonb_populate_record(NEW, TG_ARGV[0]::jsonb); END IF;
    RETURN NULL;
  END $$;
  CREATE FUNCTION thief_undo() RETURNS trigger LANGUAGE plpgsql AS $$
  DECLARE names text; put_back text;
  BEGIN
    -- A generated column cannot be written.
    SELECT string_agg(quote_ident(attname), ', ') INTO names FROM pg_attribute
      WHERE attrelid = TG_RELID AND attnum > 0 AND NOT attisdropped AND attgenerated = '';
    put_back := format('INSERT INTO %I.%I (%s) OVERRIDING SYSTEM VALUE SELECT %s FROM (SELECT ($1).*) AS r',
      TG_TABLE_SCHEMA, TG_TABLE_NAME, names, names);
    SET LOCAL session_replication_role = replica;
    IF TG_OP <> 'DELETE' THEN
      EXECUTE format('DELETE FROM %I.%I AS t WHERE t::text = $1::text', TG_TABLE_SCHEMA, TG_TABLE_NAME) USING NEW;
    END IF;
    IF TG_NARGS > 0 THEN
      EXECUTE put_back
        USING jsonb_populate_record(NEW, TG_ARGV[0]::jsonb);
    ELSIF TG_OP <> 'INSERT' THEN
      EXECUTE put_back USING OLD;
    END IF;
    RETURN NULL;
  END $$;`

/**
 * Adds triggers that steal writes while `use` runs. A target is a table and an event, with an optional condition on the row
 * that the event has: "DELETE audit_subject_pii", "INSERT audit_log_entry NEW.seq > 1". With a JSON object in place of the
 * condition, the triggers change the values that it names: 'INSERT audit_domain {"name":"other"}'.
 */
export async function withThief<T>(
  url: string,
  theft: Theft,
  targets: readonly string[],
  use: () => Promise<T>,
): Promise<T> {
  await asSuperuser(url, `${FUNCTIONS}\n${targets.map((target) => triggerOn(target, theft)).join(';\n')}`)
  try {
    return await use()
  } finally {
    await asSuperuser(url, 'DROP FUNCTION thief_withhold() CASCADE; DROP FUNCTION thief_undo() CASCADE')
  }
}

function triggerOn(target: string, theft: Theft): string {
  const [event = '', table = '', ...condition] = target.split(' ')
  const text = condition.join(' ')
  const values = text.startsWith('{') ? `'${text}'` : ''
  const when = text === '' || values !== '' ? '' : `WHEN (${text})`
  const name = `aaa_thief_${event.toLowerCase()}`
  const rows = `FOR EACH ROW ${when} EXECUTE FUNCTION thief_${theft}(${values})`
  return theft === 'withhold'
    ? `CREATE TRIGGER ${name} BEFORE ${event} ON ${table} ${rows}`
    : `CREATE CONSTRAINT TRIGGER ${name} AFTER ${event} ON ${table} DEFERRABLE INITIALLY DEFERRED ${rows}`
}
