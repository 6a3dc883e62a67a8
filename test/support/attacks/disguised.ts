import { A, type Attack, found, head, malformed, mismatch } from './attack.js'
import { a } from './chains.js'
import { change, NO_CHECKS, set } from './statements.js'

const setHead = (sql: string) => `
  ALTER TABLE audit_log_chain_head DROP CONSTRAINT audit_log_chain_head_next_seq_range;
  UPDATE audit_log_chain_head SET ${sql} WHERE domain_id = '${A}';`

const BEYOND = Number.MAX_SAFE_INTEGER + 1
const SAME = { expected: a(8).entryHash, observed: a(8).entryHash }
const CUT = { expected: a(7).entryHash, observed: a(8).entryHash }

/** Values that the server's arithmetic fails on: no finding may get lost there. */
export const DISGUISED: readonly Attack[] = [
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
