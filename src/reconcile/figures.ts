import type { ErrorCode } from '../base/errors.js'
import type { IntegrityState } from '../ports/integrity.js'
import type { ChainGlance, QuarantineCount } from '../ports/reconcile.js'
import { isUncheckable } from './assess.js'
import type { Progress, SegmentKind } from './progress.js'
import type { ProbeSettings } from './schedule.js'

/** One chain in numbers; an age is absent until there is something that it is the age of. */
export interface ChainFigures {
  readonly domainId: string
  /** Rows by the chain head. */
  readonly rows: number
  readonly verifiedSeq: number
  /** Seconds since everything up to the end was last known to be verified. */
  readonly verifiedAge?: number | undefined
  /** Every row was verified at most so many seconds ago. */
  readonly fullAge?: number | undefined
  /** Rows from the first one without an archive stamp to the end, and the age of that one in seconds. */
  readonly unarchived: number
  readonly archiveLag: number
  readonly isUncheckable: boolean
}

/** What the probe knows, in numbers. */
export interface Figures {
  readonly state: IntegrityState
  readonly settings: ProbeSettings
  readonly chains: readonly ChainFigures[]
  readonly quarantined: readonly QuarantineCount[]
  readonly errors: ReadonlyMap<ErrorCode, number>
  /** Rows verified by this process. */
  readonly rows: Readonly<Record<SegmentKind, number>>
}

interface Sources extends Omit<Figures, 'chains'> {
  readonly chains: Iterable<Progress>
  readonly glances: ReadonlyMap<string, ChainGlance>
  readonly now: number
}

/** By domain id. */
export function figuresOf({ chains, glances, now, ...rest }: Sources): Figures {
  const all = [...chains].map((chain) => chainFigures(chain, glances.get(chain.domainId), rest.settings, now))
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
    // Until a chain is through, what was verified is what its first pass has come to.
    verifiedSeq: (boot?.reached ?? verified)?.seq ?? 0,
    verifiedAge: age(freshAt),
    fullAge: age(fullAt),
    unarchived: waiting === undefined ? 0 : Math.max(end - waiting.seq + 1, 1),
    archiveLag: waiting?.lagSeconds ?? 0,
    isUncheckable: isUncheckable(chain, settings, now),
  }
}
