import { chainWords } from '../flags/chain-words.js'
import { secondsText } from '../output/seconds-text.js'
import { note } from '../output/streams.js'
import { logWords } from './given-log.js'

/** Prints one warning for each chain that is ahead of the database's clock, however many rows a command appends to it. */
export class AheadWarnings {
  readonly #warned = new Set<string>()

  /** `seconds`: by how much each chain is ahead. */
  add(seconds: ReadonlyMap<string, number>): void {
    for (const [domainId, secondsAhead] of seconds) {
      if (this.#warned.has(domainId)) continue
      this.#warned.add(domainId)
      note(
        `warning: chain ${domainId} is ahead of the clock by ${secondsText(secondsAhead)}: ` +
          'until the clock has caught up, new rows get the time of its last row; ' +
          `to see where it begins: audit verify ${chainWords(domainId)}${logWords()}`,
      )
    }
  }
}
