import type { GivenMirrors } from '../base/advice.js'
import { type DomainClaims, namesOwnMirror } from '../base/domain-claims.js'
import type { MirrorLocations } from '../base/mirror-locations.js'
import { Semaphore } from '../base/parallel/semaphore.js'
import type { MirrorStore } from '../ports/mirror.js'

/** An open mirror, and the semaphore that all uploads to it pass. */
export interface Mirror {
  /** The URL that it was opened by. */
  readonly url: string
  readonly store: MirrorStore
  readonly uploads: Semaphore
}

/** A chain whose mirror is wanted. */
export interface ClaimingChain {
  readonly domainId: string
  readonly claims: DomainClaims
}

/** Rejects where a place is not the mirror of this database (see MirrorGuard). */
export type AssertOurs = (mirror: Mirror, signal: AbortSignal) => Promise<void>

/** Rejects where a mirror holds no object of a chain that has archived rows (see HeldChains). */
export type AssertHeld = (domainId: string, mirror: Mirror, signal: AbortSignal) => Promise<void>

export interface MirrorOptions {
  /** Returns the mirror at a URL, the same one for each call. Rejects where it cannot be opened. */
  readonly open: (url: string) => Promise<MirrorStore>
  readonly locations: MirrorLocations
  /** Whether the operator gave the default mirror for the one chain of this run. */
  readonly isChosen?: boolean | undefined
  /** Returns the mirror of a chain that the locations give none, or rejects with `mirror_not_mapped`. */
  readonly otherwise: (chain: ClaimingChain) => Promise<string>
  /** Uploads in flight to each mirror, at most. */
  readonly concurrency: number
}

/** The mirrors that one run works with. */
export class Mirrors {
  readonly #options: MirrorOptions
  readonly #uploads = new Map<string, Semaphore>()

  constructor(options: MirrorOptions) {
    this.#options = options
  }

  get concurrency(): number {
    return this.#options.concurrency
  }

  /** What a command has to repeat to find the same mirrors. */
  get given(): GivenMirrors {
    return this.#options.locations.given
  }

  /** Returns the URL of the mirror of a chain; undefined for a chain that the operator has given none. */
  urlOf({ domainId, claims }: ClaimingChain): string | undefined {
    const { locations, isChosen } = this.#options
    return locations.of({ domainId, namesOwn: namesOwnMirror(claims), isChosen })
  }

  /** Returns whether the operator's settings put a chain in the mirror at a URL. */
  serves({ domainId, claims }: ClaimingChain, url: string): boolean {
    return this.#options.locations.of({ domainId, namesOwn: namesOwnMirror(claims) }) === url
  }

  /** Returns the mirror of a chain. Rejects with `mirror_not_mapped` where the operator has given none. */
  async of(chain: ClaimingChain): Promise<Mirror> {
    const url = this.urlOf(chain) ?? (await this.#options.otherwise(chain))
    return { url, store: await this.#options.open(url), uploads: this.#uploadsTo(url) }
  }

  #uploadsTo(url: string): Semaphore {
    const uploads = this.#uploads.get(url) ?? new Semaphore(this.#options.concurrency)
    this.#uploads.set(url, uploads)
    return uploads
  }
}
