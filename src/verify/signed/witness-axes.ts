import { wireTime } from '../../base/wire-time.js'
import type { VerifierKey } from '../../chain/note/vkey.js'
import { PLATFORM_ANCHOR } from '../../chain/uuid.js'
import type { SignedThrough, Verdict } from '../verdict.js'
import { type Axes, type AxesContext, type Axis, not, PROVEN } from './axis.js'
import { isEnough, type Witnessing, witnessingOf } from './witnessing.js'

/** How far a clock may be ahead, in microseconds. */
const TOLERANCE = 300_000_000n

/** Returns what witnesses prove of a chain. They sign checkpoints of the platform chain, whose rows hold the heads of the others. */
export function witnessAxes(
  verdict: Verdict,
  context: AxesContext,
): Pick<Axes, 'witnessed' | 'fresh' | 'timed'> {
  const { policy, required } = context
  const isAsked = required.maxAge !== undefined || required.witnessed !== undefined
  if (policy === undefined || (policy.witnesses.length === 0 && !isAsked)) return {}
  const witnessing = witnessingFor(verdict, context)
  const witnessed = witnessedAxis(witnessing, verdict, context)
  const { notAfter } = witnessing ?? {}
  return {
    witnessed,
    ...(required.maxAge !== undefined && {
      fresh: freshAxis(required.maxAge, witnessing, witnessed, verdict, context),
    }),
    timed: notAfter === undefined ? witnessed : { isProven: true, notAfter: notAfter * SECOND },
  }
}

const SECOND = 1_000_000n

/** Returns what the cosigned checkpoints say of the signed head of a chain; undefined without a policy. A time that is ahead of the clock counts for nothing. */
export function witnessingFor(
  { domainId, signatures }: Verdict,
  { policy, required, cosigned, now }: AxesContext,
): Witnessing | undefined {
  if (policy === undefined) return undefined
  const known = cosigned.map(({ size, cosignatures }) => ({
    size,
    cosignatures: cosignatures.filter(({ time }) => time * SECOND <= now + TOLERANCE),
  }))
  const seq = coveredSeq(domainId, signatures?.through)
  return witnessingOf(seq, known, isEnough(policy, required.witnessed ?? 'quorum'))
}

/** Returns the row of the platform chain that a checkpoint must cover; undefined where it is not known. */
function coveredSeq(domainId: string, through: SignedThrough | undefined): number | undefined {
  return domainId === PLATFORM_ANCHOR ? through?.throughSeq : through?.platformSeq
}

function witnessedAxis(
  witnessing: Witnessing | undefined,
  { signatures, domainId }: Verdict,
  context: AxesContext,
): Axis {
  const through = signatures?.through
  if (through === undefined) return not('no signed head that a witness could have seen')
  if (coveredSeq(domainId, through) === undefined)
    return not('the row of the platform chain with the signed head is not known')
  if (witnessing?.newest !== undefined) return PROVEN
  return not(shortText(new Set(witnessing?.signedAt.keys()), witnessing, context))
}

function freshAxis(
  maxAge: number,
  witnessing: Witnessing | undefined,
  witnessed: Axis,
  { signatures }: Verdict,
  context: AxesContext,
): Axis {
  if (!witnessed.isProven || witnessing?.newest === undefined) return witnessed
  const since = context.now - BigInt(maxAge) * 1000n
  if (witnessing.newest * SECOND < since) {
    const recent = [...witnessing.signedAt].filter(([, time]) => time * SECOND >= since)
    return not(shortText(new Set(recent.map(([key]) => key)), witnessing, context))
  }
  const { rowsBeyond = 0, throughSeq = 0, beyondSince } = signatures?.through ?? {}
  if (rowsBeyond === 0) return PROVEN
  const row = `row ${throughSeq + 1}, which no signed head covers`
  if (beyondSince === undefined) return not(`${row}, has no time that can be read`)
  if (beyondSince < since) return not(`${row}, is of ${wholeSeconds(beyondSince)}`)
  return beyondSince > context.now + TOLERANCE ? not(`${row}, is ahead of the clock`) : PROVEN
}

/** Says how many witnesses are required, how many have signed, and when each of the others signed last. */
function shortText(
  signed: ReadonlySet<VerifierKey>,
  witnessing: Witnessing | undefined,
  { policy, required }: AxesContext,
): string {
  const { witnessed = 'quorum' } = required
  const least = Math.max(1, witnessed === 'quorum' ? (policy?.leastWitnesses ?? 1) : witnessed)
  const missing = (policy?.witnesses ?? []).filter((key) => !signed.has(key))
  const names = missing.map((key) => {
    const time = witnessing?.lastSeen.get(key)
    return time === undefined ? `${key.name} has not` : `${key.name} not since ${wholeSeconds(time * SECOND)}`
  })
  const have = `${signed.size} ${signed.size === 1 ? 'has' : 'have'} signed`
  const text = `${least} ${least === 1 ? 'witness' : 'witnesses'} required, ${have}`
  return names.length === 0 ? text : `${text}: ${names.join(', ')}`
}

function wholeSeconds(micros: bigint): string {
  return wireTime(micros).replace(/\.\d+Z$/, 'Z')
}
