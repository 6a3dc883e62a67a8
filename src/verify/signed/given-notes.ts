import { keyStatementFolder } from '../../chain/log/object-keys.js'
import { PLATFORM_ANCHOR } from '../../chain/uuid.js'
import type { SignedRoot, StatedHead, StatedHeads } from '../../ports/log/heads.js'
import type { CheckpointFile } from './checkpoint-file.js'

/** A checkpoint that the command names, with its path. */
export interface GivenCheckpoint {
  readonly path: string
  readonly file: CheckpointFile
}

/** What the checkpoints that a command names say about one chain. */
export interface GivenOfChain {
  /** Those that a known key signed. */
  readonly heads: readonly StatedHead[]
  /** Those of them that pin a root alone. */
  readonly roots: readonly SignedRoot[]
  /** Why the others prove nothing, one text for each. */
  readonly unproven: readonly string[]
}

/**
 * Sorts the checkpoints of one chain by what they pin. `refuse` is called for one whose line by a known key is not valid, and must
 * throw.
 */
export function givenOfChain(
  given: readonly GivenCheckpoint[],
  stated: StatedHeads,
  refuse: (given: GivenCheckpoint) => never,
): GivenOfChain {
  const heads: StatedHead[] = []
  const roots: SignedRoot[] = []
  const unproven: string[] = []
  for (const one of given) {
    const { path, file } = one
    const signers = stated.signersOf(file) ?? refuse(one)
    const { signer } = signers
    if (signer === undefined) {
      unproven.push(unknownText(one, signers.unknown))
      continue
    }
    const { size, root, entryHash } = file
    const place = { kind: 'file', path } as const
    heads.push({ size, entryHash, place, signer: () => signer })
    if (entryHash === undefined) roots.push({ size, root, place, signer })
  }
  if (stated.indexed !== undefined) {
    const { size, place, signer } = stated.indexed
    heads.push({ size, entryHash: undefined, place, signer: () => signer })
    roots.push(stated.indexed)
  }
  return { heads, roots, unproven }
}

/** A key of a Domain follows from the platform key of a policy and the key statement of the Domain, or is in a policy of its own. */
function unknownText({ path, file }: GivenCheckpoint, keyIds: readonly string[]): string {
  const { domainId } = file
  const advice =
    domainId === PLATFORM_ANCHOR
      ? 'give a policy with that key'
      : `give its key statement ${keyStatementFolder(domainId)}….json too, or the policy that log policy prints for this Domain`
  return `no known key signed the checkpoint ${path}, but ${keyIds.join(', ')}: ${advice}`
}
