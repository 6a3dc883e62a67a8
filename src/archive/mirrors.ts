import { AuditError } from '../base/errors.js'
import type { WaitingChain } from '../ports/archive.js'
import type { MirrorStore } from '../ports/mirror.js'
import { Semaphore } from './semaphore.js'

/** A mirror that is open, and the gate that all uploads to it go through. */
export interface Mirror {
  readonly store: MirrorStore
  readonly gate: Semaphore
}

export interface MirrorOptions {
  /** Rejects where the URL is none, or the store cannot be reached. */
  readonly open: (url: string) => Promise<MirrorStore>
  /** Of the Domains that name none, and of the platform chain. */
  readonly defaultUrl: string
  /** Uploads under way at once to each. */
  readonly concurrency: number
}

/** The mirrors of a run, each opened once, on first use. */
export class Mirrors {
  readonly #options: MirrorOptions
  readonly #open = new Map<string, Promise<Mirror>>()

  constructor(options: MirrorOptions) {
    this.#options = options
  }

  get concurrency(): number {
    return this.#options.concurrency
  }

  urlOf(mirrorUrl: string | undefined): string {
    return mirrorUrl ?? this.#options.defaultUrl
  }

  async of(mirrorUrl: string | undefined): Promise<Mirror> {
    const url = this.urlOf(mirrorUrl)
    const mirror = this.#open.get(url) ?? this.#opened(url)
    this.#open.set(url, mirror)
    try {
      return await mirror
    } catch (error) {
      // The next one tries again.
      this.#open.delete(url)
      throw error
    }
  }

  async close(): Promise<void> {
    const opened = await Promise.allSettled(this.#open.values())
    this.#open.clear()
    for (const one of opened) if (one.status === 'fulfilled') one.value.store.close()
  }

  async #opened(url: string): Promise<Mirror> {
    return { store: await this.#options.open(url), gate: new Semaphore(this.#options.concurrency) }
  }
}

/** Whatever is wrong with the URL of a Domain: to this run it is a mirror that cannot be reached. */
export async function openMirror(
  { domainId, mirrorUrl }: Pick<WaitingChain, 'domainId' | 'mirrorUrl'>,
  mirrors: Mirrors,
): Promise<Mirror> {
  try {
    return await mirrors.of(mirrorUrl)
  } catch (error) {
    const isOwnUrl = mirrorUrl !== undefined && error instanceof AuditError
    if (!isOwnUrl || error.code.startsWith('mirror_')) throw error
    const message = `the mirror of ${domainId}: ${error.message}`
    throw new AuditError('mirror_unavailable', message, { cause: error, advice: error.advice })
  }
}
