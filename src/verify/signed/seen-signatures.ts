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
    .find((head) => head.entryHash !== undefined && head.signer() !== undefined)
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
  const { size, entryHash = ZERO_HASH } = holding.head
  const { nextAt } = holding.state
  return {
    throughSeq: size,
    entryHash,
    ...signer,
    ...platformRow(heads, size),
    rowsBeyond: Math.max(0, last.seq - size),
    ...(nextAt !== undefined && { beyondSince: nextAt }),
  }
}

/** Returns the row of the platform chain with the head of this size that holds. A kept checkpoint may have the same head. */
function platformRow(heads: readonly HeadInRun[], size: number): Pick<SignedThrough, 'platformSeq'> {
  for (const { head, state } of heads) {
    const { place } = head
    if (head.size !== size || state.is !== 'holds' || place.kind !== 'row') continue
    if (head.signer() !== undefined) return { platformSeq: place.seq }
  }
  return {}
}
