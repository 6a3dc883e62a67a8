import type { Policy } from '../../chain/note/policy.js'
import type { Cosignature } from '../../chain/note/signers.js'
import type { VerifierKey } from '../../chain/note/vkey.js'

/** A checkpoint of the platform chain that the platform rows reproduce, with the cosignatures by witnesses of the policy. */
export interface CosignedCheckpoint {
  readonly size: number
  readonly cosignatures: readonly Cosignature[]
}

/** What witnesses say about one row. Times are seconds since 1970, by the clocks of the witnesses. */
export interface Witnessing {
  /** The witnesses that signed a checkpoint that covers the row, each with its latest time. */
  readonly signedAt: ReadonlyMap<VerifierKey, bigint>
  /** The earliest time at which enough of them had signed one checkpoint; absent where not enough have. */
  readonly notAfter?: bigint | undefined
  /** The latest time since which enough of them have signed one checkpoint; absent where not enough have. */
  readonly newest?: bigint | undefined
  /** The latest time of each witness on any checkpoint. */
  readonly lastSeen: ReadonlyMap<VerifierKey, bigint>
}

type IsMet = (signers: ReadonlySet<VerifierKey>) => boolean

/** Returns whether some witnesses are enough: a quorum of the policy, or K of its witnesses. No witness is never enough. */
export function isEnough(policy: Policy, required: number | 'quorum'): IsMet {
  return (signers) =>
    signers.size > 0 && (required === 'quorum' ? policy.isQuorum(signers) : signers.size >= required)
}

/** Returns what the cosigned checkpoints say about a row of the platform chain: those count that have at least `seq` rows. */
export function witnessingOf(
  seq: number | undefined,
  checkpoints: readonly CosignedCheckpoint[],
  isMet: IsMet,
): Witnessing {
  const covering = checkpoints.filter(({ size }) => seq !== undefined && size >= seq)
  const perCheckpoint = covering.map(({ cosignatures }) => ascending(cosignatures))
  const complete = perCheckpoint.flatMap((lines) => timeOfEnough(lines, isMet) ?? [])
  const fresh = perCheckpoint.flatMap((lines) => timeOfEnough(lines.reverse(), isMet) ?? [])
  return {
    signedAt: latestTimes(covering),
    notAfter: complete.sort(byTime)[0],
    newest: fresh.sort(byTime).at(-1),
    lastSeen: latestTimes(checkpoints),
  }
}

/** Returns the time of the cosignature, in the given order, with which the witnesses become enough. */
function timeOfEnough(cosignatures: readonly Cosignature[], isMet: IsMet): bigint | undefined {
  const signers = new Set<VerifierKey>()
  return cosignatures.find(({ key }) => isMet(signers.add(key)))?.time
}

function latestTimes(checkpoints: readonly CosignedCheckpoint[]): ReadonlyMap<VerifierKey, bigint> {
  const all = ascending(checkpoints.flatMap(({ cosignatures }) => cosignatures))
  return new Map(all.map(({ key, time }) => [key, time]))
}

function ascending(cosignatures: readonly Cosignature[]): Cosignature[] {
  return [...cosignatures].sort((one, other) => byTime(one.time, other.time))
}

function byTime(one: bigint, other: bigint): number {
  return one < other ? -1 : Number(one > other)
}
