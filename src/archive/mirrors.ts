import { AuditError } from '../base/errors.js'
import type { WaitingChain } from '../ports/archive.js'
import type { MirrorStore } from '../ports/mirror.js'
import { Semaphore } from './semaphore.js'

/** An open mirror, and the semaphore that all uploads to it pass. */
export interface Mirror {
  readonly store: MirrorStore
  readonly uploads: Semaphore
}

export interface MirrorOptions {
  /** Returns the mirror at a URL, the same one for each call. Rejects where it cannot be opened. */
  readonly open: (url: string) => Promise<MirrorStore>
  /** The mirror of the platform chain, and of Domains without a mirror of their own. */
  readonly defaultUrl: string
  /** Uploads in flight to each mirror, at most. */
  readonly concurrency: number
}

/** The mirrors that one run uploads to. */
export class Mirrors {
  readonly #options: MirrorOptions
  readonly #uploads = new Map<string, Semaphore>()

  constructor(options: MirrorOptions) {
    this.#options = options
  }

  get concurrency(): number {
    return this.#options.concurrency
  }

  urlOf(mirrorUrl: string | undefined): string {
    return mirrorUrl ?? this.#options.defaultUrl
  }

  async at(mirrorUrl: string | undefined): Promise<Mirror> {
    const url = this.urlOf(mirrorUrl)
    return { store: await this.#options.open(url), uploads: this.#uploadsTo(url) }
  }

  #uploadsTo(url: string): Semaphore {
    const uploads = this.#uploads.get(url) ?? new Semaphore(this.#options.concurrency)
    this.#uploads.set(url, uploads)
    return uploads
  }
}

/** Returns the mirror of a chain. Rejects with `mirror_unavailable` where the Domain's own URL is not valid. */
export async function openMirror(
  { domainId, mirrorUrl }: Pick<WaitingChain, 'domainId' | 'mirrorUrl'>,
  mirrors: Mirrors,
): Promise<Mirror> {
  try {
    return await mirrors.at(mirrorUrl)
  } catch (error) {
    const isOwnUrl = mirrorUrl !== undefined && error instanceof AuditError
    if (!isOwnUrl || error.code.startsWith('mirror_')) throw error
    const message = `the mirror of ${domainId}: ${error.message}`
    throw new AuditError('mirror_unavailable', message, {
      cause: error,
      advice: error.advice,
      hint: error.hint,
    })
  }
}
