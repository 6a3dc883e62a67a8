import type { MirrorStore } from '../ports/mirror.js'

/** The mirrors of one run: each URL is opened once, on first use. */
export class OpenMirrors<Store extends MirrorStore = MirrorStore> {
  readonly #open: (url: string) => Promise<Store>
  readonly #stores = new Map<string, Promise<Store>>()

  constructor(open: (url: string) => Promise<Store>) {
    this.#open = open
  }

  /** Returns the mirror at a URL. Rejects as `open` does; the next call tries again. */
  async at(url: string): Promise<Store> {
    const store = this.#stores.get(url) ?? this.#open(url)
    this.#stores.set(url, store)
    try {
      return await store
    } catch (error) {
      this.#stores.delete(url)
      throw error
    }
  }

  async close(): Promise<void> {
    const opened = await Promise.allSettled(this.#stores.values())
    this.#stores.clear()
    for (const one of opened) if (one.status === 'fulfilled') one.value.close()
  }
}
