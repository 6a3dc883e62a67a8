import * as Flags from '@oclif/core/flags'
import { AuditError } from '../../base/errors.js'
import { positiveInteger } from '../../base/positive-integer.js'
import { LIMITS } from '../../chain/limits.js'
import type { RowsFrom } from '../../compose/read/rows.js'

/** A proof that `get` writes. */
export interface ProofTarget {
  /** The file, or `-` for stdout. */
  readonly path: string
  readonly bare: boolean
  /** The signed size to prove the row under; absent for the newest. */
  readonly size?: number | undefined
}

/** The flags of `get` that make a proof. Read with {@link parseProofTarget}. */
export const proofFlags = {
  proof: Flags.string({
    helpGroup: 'PROOF',
    helpValue: 'FILE|-',
    summary: 'write a proof of the row that needs no copy of the log; - is stdout',
  }),
  bare: Flags.boolean({
    helpGroup: 'PROOF',
    summary: 'leave the row out of the file, which then proves its entry_hash',
    dependsOn: ['proof'],
  }),
  size: Flags.string({
    helpGroup: 'PROOF',
    helpValue: 'S',
    summary: 'prove the row under the signed head of S rows; default: the newest one',
    dependsOn: ['proof'],
  }),
}

interface ParsedProof {
  readonly proof?: string | undefined
  readonly bare?: boolean | undefined
  readonly size?: string | undefined
  readonly json: boolean
}

/** Returns the proof to write; undefined where none is wanted. Throws `usage`. */
export function parseProofTarget(
  { proof, bare, size, json }: ParsedProof,
  { from, seq }: { readonly from: RowsFrom; readonly seq: number },
): ProofTarget | undefined {
  if (proof === undefined) return undefined
  if (proof === '') throw new AuditError('usage', '--proof: expected a FILE, or - for stdout')
  if (from.source === 'bundle')
    throw new AuditError(
      'usage',
      '--proof: an evidence file holds no tree; read PostgreSQL or a mirror (--source)',
    )
  if (proof === '-' && json) throw new AuditError('usage', '--json and --proof - both write to stdout')
  return { path: proof, bare: bare === true, size: size === undefined ? undefined : sizeOf(size, seq) }
}

/** Returns a number of rows with the row among them. */
function sizeOf(text: string, seq: number): number {
  const size = positiveInteger(text)
  if (size !== undefined && size >= seq && size <= LIMITS.maxSeq) return size
  throw new AuditError(
    'usage',
    `--size: expected a number of rows from ${seq} to 2^53-1, because row ${seq} must be among them, got ${JSON.stringify(text)}`,
  )
}
