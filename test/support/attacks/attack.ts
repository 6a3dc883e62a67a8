import { A, B, computed, PLATFORM, type PlainRow } from './chains.js'

/** A finding as `verify --json` prints it. A hash that does not exist is absent. `chain` is the chain of the verdict. */
export interface ExpectedFinding {
  readonly chain: string
  readonly code: string
  readonly seq_from: number
  readonly seq_to: number
  readonly expected?: string
  readonly observed?: string
}

/** What an attacker does to the database as superuser with triggers off, and what `audit verify` must report. */
export interface Attack {
  readonly name: string
  readonly sql: string
  /** Arguments of `verify`. `HEADS` is replaced by the path of results saved before the attack. Default: the chain A. */
  readonly verify?: readonly string[]
  readonly exit: 0 | 1 | 3 | 4
  /** The findings, in the order in which they are printed. */
  readonly findings: readonly ExpectedFinding[]
  /** The error code on stderr if the exit code is 3 or 4, or if something could not be checked beside the findings. */
  readonly error?: string
  /** Chains that the attack also damages and that `verify` was not asked about. */
  readonly alsoDamaged?: readonly string[]
}

export const HEADS = 'HEADS'
export const ALL = ['--all'] as const
export const ON_B = ['--domain', B] as const
export const ON_PLATFORM = ['--platform'] as const

/** Returns an attack on chain A that is found. */
export function found(
  name: string,
  sql: string,
  findings: readonly ExpectedFinding[],
  verify?: readonly string[],
  error?: string,
): Attack {
  const more = { ...(verify !== undefined && { verify }), ...(error !== undefined && { error }) }
  return { name, sql, exit: 1, findings, ...more }
}

/** Returns an attack that no verifier can find with these arguments. */
export function unseen(name: string, sql: string, verify?: readonly string[]): Attack {
  return { name, sql, exit: 0, findings: [], ...(verify !== undefined && { verify }) }
}

type Hashes = { readonly expected?: string; readonly observed?: string }

function finding(code: string, chain: string, from: number, to: number, hashes: Hashes): ExpectedFinding {
  return { chain, code, seq_from: from, seq_to: to, ...hashes }
}

/** The stored row does not hash to its entry_hash. A range of rows is reported with the first row's hashes. */
export function mismatch(row: PlainRow, to = row.seq): ExpectedFinding {
  const hashes = { expected: computed(row), observed: row.entryHash }
  return finding('entry_hash_mismatch', row.domainId, row.seq, to, hashes)
}

/** `expected` is the previous row's entry_hash, `observed` the row's prev_hash. */
export function broken(
  from: number,
  expected: string,
  observed: string,
  to = from,
  chain = A,
): ExpectedFinding {
  return finding('broken_link', chain, from, to, { expected, observed })
}

/** `expected` is the next row's prev_hash; absent if no row of the segment follows. */
export function gap(from: number, to: number, expected?: string, chain = A): ExpectedFinding {
  return finding('seq_gap', chain, from, to, expected === undefined ? {} : { expected })
}

export function malformed(seq: number, observed?: string, to = seq): ExpectedFinding {
  return finding('malformed_row', A, seq, to, observed === undefined ? {} : { observed })
}

/** Rows with the same seq are ordered by entry_hash. */
export function duplicate(row: PlainRow, copy: PlainRow): ExpectedFinding {
  const [expected = '', observed = ''] = [row.entryHash, copy.entryHash].sort()
  return finding('duplicate_seq', row.domainId, row.seq, row.seq, { expected, observed })
}

/** `expected` is the last row's entry_hash, `observed` the head's. */
export function head(from: number, to: number, hashes: Hashes, chain = A): ExpectedFinding {
  return finding('head_mismatch', chain, from, to, hashes)
}

/** `expected` is the pin, `observed` the stored entry_hash. */
export function unexpected(seq: number, hashes: Hashes): ExpectedFinding {
  return finding('unexpected_head', A, seq, seq, hashes)
}

export function missing(chain: string, to = 1): ExpectedFinding {
  return finding('chain_missing', chain, 1, to, {})
}

/** The intact platform chain did not create the chain. */
export function unknownChain(chain: string, to = 1): ExpectedFinding {
  return finding('chain_unknown', chain, 1, to, {})
}

export { A, B, PLATFORM }
