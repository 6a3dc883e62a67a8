import { reasonOrdinal } from '../../../src/chain/reason.js'
import { stampSql } from '../archive-stamps.js'
import { chainRows, type RowOptions, T0 } from '../chain-rows.js'
import { ALL, type Attack, found, head, mismatch, missing, PLATFORM, unknownChain, unseen } from './attack.js'
import { type PlainRow, platform } from './chains.js'
import { change, dropHead, insert, remove } from './statements.js'

/** A chain that nobody created. */
export const STRANGER = '0190a8b8-a0c0-7a0a-8a0a-a0a0a0a0a0a9'

/** Returns two rows of the stranger that hash and link, recorded at these seconds. The platform chain ends at second 3. */
export function strangerRows(...seconds: readonly number[]): PlainRow[] {
  const created: RowOptions = { relation: 'audit.chain-create', object: `domain:${STRANGER}` }
  const times = seconds.map((second) => ({ recordedAt: T0 + BigInt(second) * 1_000_000n }))
  return chainRows(
    STRANGER,
    times.map((time, index) => ({ ...time, ...(index === 0 && created) })),
  ).map((row) => ({ ...row, reason: reasonOrdinal(row.reason) }))
}

const headOf = (rows: readonly PlainRow[]) =>
  `INSERT INTO audit_log_chain_head VALUES ('${STRANGER}', ${rows.length + 1}, '\\x${rows.at(-1)?.entryHash}');`
export const REGISTERED = `INSERT INTO audit_domain (domain_id) VALUES ('${STRANGER}');`

/** Inserts rows of the stranger with their head. */
export function strangerSql(rows: readonly PlainRow[]): string {
  return rows.map(insert).join('') + headOf(rows)
}

const before = strangerRows(1, 2)
const equal = strangerRows(3, 4)
const after = strangerRows(4, 5)
/** Older than the platform chain, which begins at second 1. */
const older = strangerRows(0, 2)
const STAMPED = stampSql(`domain_id = '${STRANGER}'`)
const RESTORING = `INSERT INTO audit_restore (domain_id, mirror_url) VALUES ('${STRANGER}', 'file:///mirror');`
const renamed = { ...platform(2), relation: 'x' }

const doubtful = (name: string, sql: string, error = 'chain_not_recorded'): Attack => ({
  name,
  sql,
  verify: ALL,
  exit: 3,
  findings: [],
  error,
})

export const UNKNOWN_CHAINS: readonly Attack[] = [
  found('unknown: a whole chain', strangerSql(before) + REGISTERED, [unknownChain(STRANGER, 2)], ALL),
  found('unknown: rows and head', strangerSql(before), [unknownChain(STRANGER, 2)], ALL),
  found(
    'unknown: begun at the time of the last platform row',
    strangerSql(equal),
    [unknownChain(STRANGER, 2)],
    ALL,
  ),
  found(
    'unknown: rows alone',
    before.map(insert).join(''),
    [unknownChain(STRANGER, 2), head(2, 2, { expected: before[1]?.entryHash ?? '' }, STRANGER)],
    ALL,
  ),
  found(
    'unknown: a head alone',
    headOf(before),
    [
      head(1, 2, { expected: '0'.repeat(64), observed: before[1]?.entryHash ?? '' }, STRANGER),
      unknownChain(STRANGER, 2),
    ],
    ALL,
  ),
  found('unknown: a registry entry alone', REGISTERED, [missing(STRANGER), unknownChain(STRANGER)], ALL),
  unseen('unknown: verified alone', strangerSql(before), ['--domain', STRANGER]),
  doubtful('unknown: begun after the platform chain ends', strangerSql(after) + REGISTERED),
  found(
    'unknown: older than the platform chain',
    strangerSql(older) + REGISTERED,
    [unknownChain(STRANGER, 2)],
    ALL,
  ),
  doubtful(
    'unknown: older than the platform chain and archived, as a restore from another log leaves it',
    strangerSql(older) + REGISTERED + STAMPED,
  ),
  found(
    'unknown: archived, and begun after the platform chain',
    strangerSql(before) + REGISTERED + STAMPED,
    [unknownChain(STRANGER, 2)],
    ALL,
  ),
  found(
    'unknown: and the platform chain is damaged',
    strangerSql(before) + change(2, { relation: renamed.relation }, PLATFORM),
    [mismatch(renamed)],
    ALL,
    'chain_not_recorded',
  ),
  found(
    'unknown: and the platform chain is gone',
    strangerSql(before) + remove('true', PLATFORM) + dropHead(PLATFORM),
    [missing(PLATFORM)],
    ALL,
    'chain_not_recorded',
  ),
  doubtful(
    'unknown: being restored',
    before.map(insert).join('') + REGISTERED + RESTORING,
    'restore_unfinished',
  ),
]
