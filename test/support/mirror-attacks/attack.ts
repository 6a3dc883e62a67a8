import type { ExpectedFinding } from '../attacks/attack.js'
import { A, type PlainRow } from '../attacks/chains.js'
import type { MirrorCopy } from './mirror-copy.js'
import { keyOf } from './objects.js'

/** The result that `audit verify` must give for one source. */
export interface Verdict {
  readonly exit: 0 | 1 | 3 | 4
  /** The findings, in the order in which they are printed. */
  readonly findings: readonly ExpectedFinding[]
  /** The code of the error on stderr, where the exit is 3 or 4. */
  readonly error?: string
  /** Names that are reported as strays; default: none. */
  readonly stray?: { readonly count: number; readonly examples: readonly string[] }
  /** Rows that are reported as not archived yet; default: 0. */
  readonly unarchived?: number
  /** A part of the printed text, where the verdict is not intact. */
  readonly says?: RegExp
}

/** An attack on one copy of the chains or on both, and what `verify` must find in the mirror and in both copies. */
export interface MirrorAttack {
  readonly name: string
  /** Statements that run as superuser with triggers off. */
  readonly sql?: string
  readonly objects?: (mirror: MirrorCopy) => Promise<unknown>
  /** Arguments of `verify`. `HEADS` is replaced by the path of results saved before the attack. Default: the chain A. */
  readonly verify?: readonly string[]
  readonly mirror: Verdict
  readonly both: Verdict
}

export const intact: Verdict = { exit: 0, findings: [] }

export function diverged(findings: readonly ExpectedFinding[], says?: RegExp, error?: string): Verdict {
  return { exit: 1, findings, ...(says !== undefined && { says }), ...(error !== undefined && { error }) }
}

export function failed(exit: 3 | 4, error: string): Verdict {
  return { exit, findings: [], error }
}

/** The verdict with a note about names that are no keys of rows. */
export function withStrays(verdict: Verdict, ...examples: readonly string[]): Verdict {
  return { ...verdict, stray: { count: examples.length, examples } }
}

/** Returns the key of a row of chain A. */
export const at = (seq: number) => keyOf(A, seq)

type Hashes = { readonly expected?: string; readonly observed?: string }

function finding(code: string, chain: string, from: number, to: number, hashes: Hashes = {}) {
  return { chain, code, seq_from: from, seq_to: to, ...hashes }
}

export function unreadable(seq: number, to = seq, chain = A): ExpectedFinding {
  return finding('object_malformed', chain, seq, to)
}

export function orphan(seq: number, to = seq, chain = A): ExpectedFinding {
  return finding('orphan_object', chain, seq, to)
}

/** `expected` is the entry_hash of the row, or of the first row of a range. */
export function objectMissing(row: PlainRow, to = row.seq): ExpectedFinding {
  return finding('object_missing', row.domainId, row.seq, to, { expected: row.entryHash })
}

/** `expected` is the entry_hash that the mirror has. */
export function rowMissing(row: PlainRow, to = row.seq): ExpectedFinding {
  return finding('row_missing', row.domainId, row.seq, to, { expected: row.entryHash })
}

/** The entry_hash in Postgres and the one in the mirror, where they differ. */
export function differ(postgres: PlainRow, mirror: PlainRow, to = postgres.seq): ExpectedFinding {
  const [expected, observed] = [postgres.entryHash, mirror.entryHash]
  const hashes = expected === observed ? {} : { expected, observed }
  return finding('copies_differ', postgres.domainId, postgres.seq, to, hashes)
}
