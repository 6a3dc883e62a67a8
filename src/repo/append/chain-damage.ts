import { isHash } from '../../chain/hash.js'
import type { ChainTail, OpenChain } from './append-chains.js'

/**
 * Returns why no row can be appended after `tail` on a chain, or undefined. `chain` is the state under the lock, and `tail`
 * is its end after the rows of this group that are placed already. Head and last row are compared before the first one.
 */
export function damageOf(tail: ChainTail | undefined, chain: OpenChain | undefined): string | undefined {
  if (tail === undefined) return 'its head is missing'
  return tail === chain?.tail ? damageOfStored(tail, chain) : seqProblem(tail)
}

/** Returns how the stored head and the stored rows disagree, or undefined. */
function damageOfStored(tail: ChainTail, { lastSeq, otherHash }: OpenChain): string | undefined {
  const { nextSeq, headHash } = tail
  if (nextSeq <= lastSeq) return `the head expects row ${nextSeq} next, but row ${lastSeq} exists`
  const problem = damageOfTail(tail)
  if (problem !== undefined) return problem
  if (nextSeq > lastSeq + 1) return `the head expects row ${nextSeq} next, but the last row is row ${lastSeq}`
  if (otherHash === undefined) return undefined
  return `the head has the hash ${headHash}, but row ${lastSeq} has ${otherHash === '' ? 'none' : otherHash}`
}

function seqProblem({ nextSeq }: ChainTail): string | undefined {
  return Number.isSafeInteger(nextSeq) ? undefined : 'its head is beyond every seq'
}

function damageOfTail(tail: ChainTail): string | undefined {
  const { headHash, genesisPseudonym } = tail
  const problem = seqProblem(tail)
  if (problem !== undefined) return problem
  if (!isHash(headHash)) return 'the hash of its head is not 32 bytes'
  return genesisPseudonym === '' ? 'its genesis row is missing' : undefined
}
