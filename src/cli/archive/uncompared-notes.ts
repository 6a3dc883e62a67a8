import type { Uncompared } from '../../archive/stamps/recheck.js'
import { chainText } from '../output/chain-text.js'
import { safe } from '../output/safe-text.js'

/** Prints, once each, why keys were not compared with stamps. */
export class UncomparedNotes {
  readonly #print: (line: string) => void
  readonly #printed = new Set<string>()

  constructor(print: (line: string) => void) {
    this.#print = print
  }

  add({ domainId, url, reason }: Uncompared): void {
    const line =
      reason === 'denied'
        ? safe`warning: ${url} may not be listed: the archiver does not look whether archived rows still have their objects; allow listing, or run: audit verify --all --source both`
        : safe`note: ${chainText(domainId)}: a backfill uploads archived rows of this chain to ${url}, so the archiver does not compare its objects with the stamps now`
    if (!this.#printed.has(line)) this.#print(line)
    this.#printed.add(line)
  }
}
