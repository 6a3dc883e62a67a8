import { graphemesOf, textWidth } from './text-width.js'

/** Private code points, which safe text escapes. All of them are one column wide. */
const FILLER = 0xe000
const LAST = 0xf8ff

/**
 * Replaces wide and combined characters by private code points that take as many columns, because cli-table3 measures
 * them by a list of 2019. One object is for one table.
 */
export class StandIns {
  readonly #codes = new Map<string, string>()
  readonly #characters = new Map<string, string>()

  /** Returns a safe text with stand-ins. Beyond 6,399 different characters the others stay. */
  put(text: string): string {
    return isAscii(text)
      ? text
      : graphemesOf(text)
          .map((one) => this.#standIn(one))
          .join('')
  }

  /** Returns drawn lines with the characters themselves. */
  restore(drawn: string): string {
    return isAscii(drawn)
      ? drawn
      : drawn.replace(/[\ue000-\uf8ff]/g, (code) => this.#characters.get(code) ?? '')
  }

  #standIn(character: string): string {
    const width = textWidth(character)
    if (isAscii(character) || width === 0) return character
    const code = this.#codes.get(character) ?? this.#added(character)
    return code === undefined ? character : code + String.fromCharCode(FILLER).repeat(width - 1)
  }

  #added(character: string): string | undefined {
    const next = FILLER + 1 + this.#codes.size
    if (next > LAST) return undefined
    const code = String.fromCharCode(next)
    this.#codes.set(character, code)
    this.#characters.set(code, character)
    return code
  }
}

function isAscii(text: string): boolean {
  return /^[\0-~]*$/.test(text)
}
