import type { ErrorCode } from '../base/errors.js'
import type { IntegrityState } from '../ports/integrity.js'
import type { ChainGlance, QuarantineCount } from '../ports/reconcile.js'
import type { SignedState } from '../ports/signer.js'
import { isUncheckable } from './assess.js'
import type { Progress, SegmentKind } from './progress.js'
import type { ProbeSettings } from './schedule.js'

/** One chain in numbers. An age is absent until the event has happened once. */
export interface ChainFigures {
  readonly domainId: string
  /** Number of rows, by the chain head. */
  readonly rows: number
  readonly verifiedSeq: number
  /** Seconds since all rows up to the end were last known to be verified. */
  readonly verifiedAge?: number | undefined
  /** Every row was verified at most this many seconds ago. */
  readonly fullAge?: number | undefined
  /** Rows from the first one without an archive stamp to the end. */
  readonly unarchived: number
  /** The age of that first row, in seconds. */
  readonly archiveLag: number
  readonly isUncheckable: boolean
  /** How far the chain is signed; absent for a chain that the index of signed heads lacks. */
  readonly signed?: SignedState | undefined
}

/** What the metrics report about the probe. */
export interface Figures {
  readonly state: IntegrityState
  readonly settings: ProbeSettings
  readonly chains: readonly ChainFigures[]
  readonly quarantined: readonly QuarantineCount[]
  readonly errors: ReadonlyMap<ErrorCode, number>
  /** Rows that this process verified. */
  readonly rows: Readonly<Record<SegmentKind, number>>
}

interface Sources extends Omit<Figures, 'chains'> {
  readonly chains: Iterable<Progress>
  readonly glances: ReadonlyMap<string, ChainGlance>
  readonly signed: ReadonlyMap<string, SignedState>
  readonly now: number
}

/** Returns the figures, the chains sorted by domain id. */
export function figuresOf({ chains, glances, signed, now, ...rest }: Sources): Figures {
  const all = [...chains].map((chain) => ({
    ...chainFigures(chain, glances.get(chain.domainId), rest.settings, now),
    signed: signed.get(chain.domainId),
  }))
  return { ...rest, chains: all.sort((a, b) => (a.domainId < b.domainId ? -1 : 1)) }
}

function chainFigures(
  chain: Progress,
  glance: ChainGlance | undefined,
  settings: ProbeSettings,
  now: number,
): ChainFigures {
  const { domainId, end, verified, freshAt, fullAt, boot } = chain
  const waiting = glance?.waiting
  const age = (at: number | undefined) => (at === undefined ? undefined : Math.max(now - at, 0) / 1000)
  return {
    domainId,
    rows: glance?.head?.seq ?? end,
    // During a chain's first pass, the verified part ends where that pass has come to.
    verifiedSeq: (boot?.reached ?? verified)?.seq ?? 0,
    verifiedAge: age(freshAt),
    fullAge: age(fullAt),
    unarchived: waiting === undefined ? 0 : Math.max(end - waiting.seq + 1, 1),
    archiveLag: waiting?.lagSeconds ?? 0,
    isUncheckable: isUncheckable(chain, settings, now),
  }
}
