import { readUpTo } from '../../base/files/read-input.js'
import { POLICY_BYTES } from '../../chain/note/policy.js'
import { PROOF_LIMITS } from '../../chain/note/tlog-proof.js'
import { PROOF_TOOLS, rowInObject } from '../../compose/read/proof.js'
import { MAX_OBJECT_BYTES } from '../../ports/mirror.js'
import { type ExpectedRow, type ReadProof, readProof, verifyProof } from '../../proof/verify-proof.js'
import type { Output } from '../output/output.js'
import { keyValues } from '../output/table.js'
import { EXIT, type ExitCode } from '../shell/exit-codes.js'
import { proofJson } from './json.js'
import { proofFields } from './text.js'

export interface VerifyProofOptions {
  /** The file, or `-` for stdin. */
  readonly path: string
  readonly policy: string
  /** The entry_hash that must be proven, 64 hex digits. */
  readonly entry?: string | undefined
  /** The object of a mirror that must be proven. */
  readonly object?: string | undefined
  readonly json: boolean
}

/** Verifies a proof without any copy of the log. Resolves with 0 or 5, and never with 1: it has seen no log. */
export async function runVerifyProof(options: VerifyProofOptions, out: Output): Promise<ExitCode> {
  const policy = await readUpTo(POLICY_BYTES, options.policy)
  const file = await readUpTo(PROOF_LIMITS.bytes, options.path)
  const read = readProof(file, policy, PROOF_TOOLS)
  const result = verifyProof(read, await expectedBy(options, read), PROOF_TOOLS)
  if (options.json) await out.json(proofJson(result))
  else await out.line(keyValues(proofFields(result)))
  return result.code === 'proven' ? EXIT.done : EXIT.unproven
}

async function expectedBy(
  { entry, object }: VerifyProofOptions,
  read: ReadProof,
): Promise<ExpectedRow | undefined> {
  if (object === undefined) return entry === undefined ? undefined : { entryHash: entry }
  return rowInObject(await readUpTo(MAX_OBJECT_BYTES, object), read)
}
