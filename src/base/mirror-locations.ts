import { PLATFORM_ANCHOR } from '../chain/uuid.js'
import type { GivenMirrors } from './advice.js'
import { AuditError } from './errors.js'

/** The lines of a map from Domains to mirrors. */
export interface MirrorMap {
  /** The URL of each Domain that has a line of its own, by its id in lower case. */
  readonly lines: ReadonlyMap<string, string>
  /** Returns the URL of a Domain without a line of its own. Absent: the map has no `*` line. */
  readonly others?: ((domainId: string) => string) | undefined
}

/** Where the operator says that mirrors are. Nothing that a database or a mirror holds is part of it. */
export interface OperatorsMirrors {
  readonly map?: MirrorMap | undefined
  /** The path of the file that the map comes from. */
  readonly mapPath?: string | undefined
  /** The mirror that was given for all chains, or the directory of the home. */
  readonly defaultUrl?: string | undefined
}

/** What decides whether the default mirror serves a chain that has no line in the map. */
export interface ChainToLocate {
  readonly domainId: string
  /** Whether any record of the Domain names a mirror of its own. */
  readonly namesOwn: boolean
  /** Whether the operator gave the default mirror for this very chain. */
  readonly isChosen?: boolean | undefined
}

/**
 * Answers where the mirror of a chain is. The one place that decides it: a line of the map for the Domain, the `*` line,
 * or the default mirror. The platform chain is always in the default mirror. Records of a Domain can only take the
 * default mirror away from it; they never say which mirror is read or written.
 */
export class MirrorLocations {
  constructor(readonly operator: OperatorsMirrors) {}

  get defaultUrl(): string | undefined {
    return this.operator.defaultUrl
  }

  /** What a command has to repeat to find the same mirrors. */
  get given(): GivenMirrors {
    return { url: this.operator.defaultUrl, map: this.operator.mapPath }
  }

  /** The Domains that have a line of their own. */
  get listed(): readonly string[] {
    return [...(this.operator.map?.lines.keys() ?? [])]
  }

  /** Returns the URL that the map gives a Domain, by its own line or by the `*` line. */
  mapped(domainId: string): string | undefined {
    if (domainId === PLATFORM_ANCHOR) return undefined
    const { map } = this.operator
    return map?.lines.get(domainId) ?? map?.others?.(domainId)
  }

  /**
   * Returns the URL of the mirror of a chain. Returns undefined where no line names the Domain and the default mirror
   * does not serve it: because the Domain names a mirror of its own, or because there is no default mirror.
   */
  of({ domainId, namesOwn, isChosen = false }: ChainToLocate): string | undefined {
    const isInDefault = domainId === PLATFORM_ANCHOR || !namesOwn || isChosen
    return this.mapped(domainId) ?? (isInDefault ? this.defaultUrl : undefined)
  }

  /** Returns the URL of a chain that the operator chose. Throws `mirror_not_mapped` where no mirror was given for it. */
  ofChosen(domainId: string): string {
    const url = this.of({ domainId, namesOwn: false })
    if (url === undefined) throw noMirrorGiven(domainId)
    return url
  }
}

/** Returns the error for a chain that only the default mirror could serve, where no mirror was given. */
export function noMirrorGiven(domainId: string): AuditError {
  return new AuditError('mirror_not_mapped', `no mirror was given for chain ${domainId}`, {
    advice: domainId === PLATFORM_ANCHOR ? { code: 'name_mirror' } : { code: 'map_mirror', domainId },
  })
}
