import { ZERO_HASH } from '../../chain/hash.js'
import type { StatedHeads } from '../../ports/log/heads.js'
import type { Scan } from '../../ports/verify.js'
import type { SeenSignatures, SignedThrough } from '../verdict.js'
import type { HeadInRun } from './head-state.js'
import { lastHolding } from './judge-heads.js'

/** Returns what a run saw of signed heads. `heads` are those of the segment, ascending by size. */
export function seenSignatures(stated: StatedHeads, heads: readonly HeadInRun[], scan: Scan): SeenSignatures {
  const newest = [...stated.heads]
    .sort((one, other) => other.size - one.size)
    .find((head) => head.signer() !== undefined)
  const through = signedThrough(heads, scan)
  return {
    ...(through !== undefined && { through }),
    ...(newest !== undefined && { newestSize: newest.size }),
    unknownKeys: stated.unknownKeys(),
    foreignRows: stated.foreignRows(),
    ...(stated.foreignObjects !== undefined && { foreignObjects: stated.foreignObjects }),
  }
}

function signedThrough(heads: readonly HeadInRun[], { fold }: Scan): SignedThrough | undefined {
  const last = fold.last ?? { seq: 0, hash: ZERO_HASH }
  const holding = lastHolding(heads)
  const signer = holding?.head.signer()
  if (holding === undefined || signer === undefined || holding.state.is !== 'holds') return undefined
  const { size, entryHash, place } = holding.head
  const { nextAt } = holding.state
  return {
    throughSeq: size,
    entryHash,
    ...signer,
    ...(place.kind === 'row' && { platformSeq: place.seq }),
    rowsBeyond: Math.max(0, last.seq - size),
    ...(nextAt !== undefined && { beyondSince: nextAt }),
  }
}
