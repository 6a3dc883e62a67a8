import { nobleHasher } from '../../../src/chain/hash.js'
import { reasonOrdinal } from '../../../src/chain/reason.js'
import { PLATFORM_ANCHOR } from '../../../src/chain/uuid.js'
import { chainRows, type RowOptions } from '../chain-rows.js'
import { plainEncode } from '../plain-canonical.js'

/** The attacked chain (8 rows), and a chain that must never get a finding for it (5 rows). */
export const A = '0190a8b8-a0c0-7a0a-8a0a-a0a0a0a0a0a1'
export const B = '0190a8b8-a0c0-7a0a-8a0a-a0a0a0a0a0a2'
export const PLATFORM = PLATFORM_ANCHOR

/** The number of rows of each chain before the attack. */
export const LENGTH: Readonly<Record<string, number>> = { [A]: 8, [B]: 5, [PLATFORM]: 3 }

const created = (object: string): RowOptions => ({ relation: 'audit.chain-create', object })
const full = (name: string, seq: number): RowOptions => ({
  subjectPseudonym: seq.toString(16).repeat(64),
  relation: 'project.update',
  object: `project:${name}${seq}`,
  relationPath: ['org:acme#admin', 'group:ops#member', 'project:x#owner'],
  caveatContext: ['from_cidr.cidr', 'mfa', 'within_time_window.end'],
  correlationId: `req-${seq}`,
  zedtoken: `GhUKEzE2ODY${seq}`,
})
const after = (name: string, length: number) =>
  Array.from({ length: length - 1 }, (_, i) => full(name, i + 2))

/** The chains as the product writes them, made by independent code. */
export const CHAINS = {
  [A]: chainRows(A, [created(`domain:${A}`), ...after('a', 8)]),
  [B]: chainRows(B, [created(`domain:${B}`), ...after('b', 5)]),
  [PLATFORM]: chainRows(PLATFORM, [
    created('platform:platform'),
    created(`domain:${A}`),
    created(`domain:${B}`),
  ]),
} as const

/** A row as it can be forced into the table: the reason is a number, and nothing is checked. */
export interface PlainRow {
  readonly domainId: string
  readonly seq: number
  readonly subjectPseudonym: string
  readonly relation: string
  readonly object: string
  readonly reason: number
  readonly relationPath: readonly string[]
  readonly caveatContext: readonly string[]
  readonly correlationId: string
  readonly zedtoken: string
  readonly recordedAt: bigint
  readonly prevHash: string
  readonly entryHash: string
}

/** A row as it was before the attack. */
export function rowOf(chain: keyof typeof CHAINS, seq: number): PlainRow {
  const row = CHAINS[chain]?.[seq - 1]
  if (row === undefined) throw new Error(`chain ${chain} has no row ${seq}`)
  return { ...row, reason: reasonOrdinal(row.reason) }
}

export const a = (seq: number): PlainRow => rowOf(A, seq)
export const b = (seq: number): PlainRow => rowOf(B, seq)
export const platform = (seq: number): PlainRow => rowOf(PLATFORM, seq)

/** Returns the hash of a row with its own prev_hash. */
export function computed(row: PlainRow, magic = 'PXA1'): string {
  return nobleHasher.link(row.prevHash, nobleHasher.canonical(canonicalOf(row, magic)))
}

/** Returns the canonical bytes of a row, by an encoder that shares no code with the product and refuses nothing. */
export function canonicalOf(row: PlainRow, magic = 'PXA1'): Buffer {
  return plainEncode({
    magic,
    domain: Buffer.from(row.domainId.replaceAll('-', ''), 'hex'),
    seq: BigInt(row.seq),
    pseudonym: Buffer.from(row.subjectPseudonym, 'hex'),
    relation: row.relation,
    object: row.object,
    reason: row.reason,
    path: row.relationPath,
    caveats: row.caveatContext,
    correlation: row.correlationId,
    zedtoken: row.zedtoken,
    recordedAt: row.recordedAt,
  })
}

export function rehashed(row: PlainRow): PlainRow {
  return { ...row, entryHash: computed(row) }
}

/** Returns rows `from` to 8 of the attacked chain, with row `from` edited and all later rows hashed again to match. */
export function rewritten(from: number, patch: Partial<PlainRow>): PlainRow[] {
  const rows = [rehashed({ ...a(from), ...patch })]
  for (let seq = from + 1; seq <= 8; seq += 1) {
    rows.push(rehashed({ ...a(seq), prevHash: rows.at(-1)?.entryHash ?? '' }))
  }
  return rows
}
