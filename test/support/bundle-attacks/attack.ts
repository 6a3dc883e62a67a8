import type { ChainedEntry } from '../../../src/chain/entry.js'
import { A, B, CHAINS } from '../attacks/chains.js'
import { chainRows } from '../chain-rows.js'
import { built, type Parts, partsOf, summed } from './bundle.js'

export interface FoundInBundle {
  readonly code: string
  readonly seq_from: number
  readonly seq_to: number
  readonly expected?: string
  readonly observed?: string
}

/** A file, and the result that every verifier must give for it. */
export interface BundleAttack {
  readonly name: string
  readonly make: () => Buffer
  readonly exit: 0 | 1 | 2 | 3 | 4
  /** The code of the error, where the exit code is 2 to 4. */
  readonly error?: string
  readonly findings?: readonly FoundInBundle[]
  readonly args?: readonly string[]
}

/** The chain in the bundles: 8 rows, with three rows in a segment. */
export const ROWS: readonly ChainedEntry[] = CHAINS[A]
export const OTHER: readonly ChainedEntry[] = CHAINS[B]

export function row(seq: number, rows = ROWS): ChainedEntry {
  const found = rows[seq - 1]
  if (found === undefined) throw new Error(`there is no row ${seq}`)
  return found
}

export const whole = (): Parts => partsOf({ rows: ROWS })

/** Rows 4 to 6 of the chain. */
export function range(): Parts {
  return partsOf({
    rows: ROWS.slice(3, 6),
    selection: { kind: 'range', from_seq: 4, to_seq: 6, to_end: false, filter: {} },
    predecessor: row(3),
    head: row(8),
  })
}

/** Rows 3, 4 and 7, which match a filter. */
export function filtered(): Parts {
  const updates = [3, 4, 7].map((seq) => row(seq))
  return partsOf({
    rows: updates,
    selection: {
      kind: 'filtered',
      from_seq: 1,
      to_seq: 8,
      to_end: false,
      filter: { relation: 'project.update' },
    },
    head: row(8),
  })
}

/** An attack that changes parts in place and keeps the rest of the bundle. */
export const changed =
  (change: (parts: Parts) => void, start = whole) =>
  (): Buffer => {
    const parts = start()
    change(parts)
    return built(parts)
  }

/** An attack that changes the rows and makes the manifest fit. */
export const rewritten =
  (change: (segments: string[][]) => void, start = whole) =>
  (): Buffer => {
    const parts = start()
    change(parts.segments)
    return built(summed(parts))
  }

/** Rewrites the rows from `seq` on, after that row was changed. */
export function rewrittenFrom(seq: number, patch: Partial<ChainedEntry>): ChainedEntry[] {
  const options = ROWS.slice(seq - 1).map(({ seq: own, prevHash, entryHash, domainId, ...fields }) => fields)
  const [first, ...rest] = options
  return chainRows(A, [{ ...first, ...patch }, ...rest], seq, row(seq).prevHash)
}

export const damagedFile = (name: string, make: () => Buffer): BundleAttack => ({
  name,
  make,
  exit: 3,
  error: 'bundle_malformed',
})

export const foundIn = (
  name: string,
  make: () => Buffer,
  ...findings: readonly FoundInBundle[]
): BundleAttack => ({ name, make, exit: 1, findings })

export const at = (
  code: string,
  from: number,
  to = from,
  hashes: { expected?: string; observed?: string } = {},
): FoundInBundle => ({ code, seq_from: from, seq_to: to, ...hashes })
