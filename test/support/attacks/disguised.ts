import { A, type Attack, duplicate, found, head, malformed, mismatch, missing } from './attack.js'
import { a, rehashed } from './chains.js'
import { change, dropRegistration, insert, NO_CHECKS, set, wipe } from './statements.js'

const forged = rehashed({ ...a(4), relation: 'project.delete' })

/** An operator for the types of `'domain:' || id`, which pg_catalog has none for. */
const OPERATOR = `
  CREATE FUNCTION nothing(text, uuid) RETURNS text IMMUTABLE LANGUAGE sql AS $$ SELECT ''::text $$;
  CREATE OPERATOR || (LEFTARG = text, RIGHTARG = uuid, FUNCTION = nothing);`

/** A child table of the entries: a query of the entries also returns its rows. */
const INHERITED = `
  CREATE TABLE audit_log_entry_more () INHERITS (audit_log_entry);
  ${insert(forged).replace('INTO audit_log_entry ', 'INTO audit_log_entry_more ')}`

/** A false CHECK that makes the planner skip the child table. */
const LIE = `
  ALTER TABLE audit_log_entry_more ADD CONSTRAINT lie CHECK (domain_id < '00000000-0000-0000-0000-000000000001') NOT VALID;
  UPDATE pg_constraint SET convalidated = true WHERE conname = 'lie';`

const setHead = (sql: string) => `
  ALTER TABLE audit_log_chain_head DROP CONSTRAINT audit_log_chain_head_next_seq_range;
  UPDATE audit_log_chain_head SET ${sql} WHERE domain_id = '${A}';`

const BEYOND = Number.MAX_SAFE_INTEGER + 1
const SAME = { expected: a(8).entryHash, observed: a(8).entryHash }
const CUT = { expected: a(7).entryHash, observed: a(8).entryHash }

/** Attacks on how the server evaluates a query, and values that overflow its arithmetic. No finding may get lost. */
export const DISGUISED: readonly Attack[] = [
  found('disguised: a chain that is gone, by an operator', wipe(A) + dropRegistration(A) + OPERATOR, [
    missing(A),
  ]),
  found('disguised: a forged row, in an inherited table', INHERITED, [duplicate(a(4), forged)]),
  found('disguised: a forged row, in a table that a CHECK excludes', INHERITED + LIE, [
    duplicate(a(4), forged),
  ]),
  found(
    'disguised: an edit, by the least next_seq that there is',
    change(4, { relation: 'x' }) + setHead(`next_seq = '-9223372036854775808'`),
    [head(1, 8, SAME), mismatch({ ...a(4), relation: 'x' })],
  ),
  found(
    'disguised: an edit, by the greatest next_seq that there is',
    change(4, { relation: 'x' }) + setHead('next_seq = 9223372036854775807'),
    [mismatch({ ...a(4), relation: 'x' }), head(9, BEYOND, SAME)],
  ),
  found('disguised: a row moved to the least seq', NO_CHECKS + set(8, `seq = '-9223372036854775808'`), [
    malformed(-BEYOND, a(8).entryHash),
    head(8, 8, CUT),
  ]),
  found('disguised: a row moved to the greatest seq', NO_CHECKS + set(8, 'seq = 9223372036854775807'), [
    head(9, BEYOND, SAME),
    malformed(BEYOND, a(8).entryHash),
  ]),
]
