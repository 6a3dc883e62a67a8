/** What of a terminal's stream is used; process.stdout is one. */
export interface TerminalStream {
  readonly columns?: number
  readonly rows?: number
  write(text: string): unknown
}

const ESC = '\u001b['
/** The alternate screen keeps what was on the terminal. Lines do not wrap, so that no width that is misjudged moves a line. */
const ENTER = `${ESC}?1049h${ESC}?7l${ESC}?25l${ESC}2J`
const LEAVE = `${ESC}0m${ESC}?7h${ESC}?25h${ESC}?1049l`
/** Terminals that know this show a frame at once. Others ignore it. */
const [BEGIN, END] = [`${ESC}?2026h`, `${ESC}?2026l`]

/** Draws frames on the alternate screen, and writes only the lines that changed. */
export class Terminal {
  readonly #stream: TerminalStream
  #drawn: readonly string[] = []
  #isOpen = false

  constructor(stream: TerminalStream) {
    this.#stream = stream
  }

  get size(): { columns: number; rows: number } {
    return { columns: this.#stream.columns || 80, rows: this.#stream.rows || 24 }
  }

  enter(): void {
    this.#isOpen = true
    this.#stream.write(ENTER)
  }

  /** Puts the terminal back as it was. Does nothing the second time. */
  leave(): void {
    if (!this.#isOpen) return
    this.#isOpen = false
    this.#stream.write(LEAVE)
  }

  /** Forgets what is drawn: a resized terminal may show anything. */
  forget(): void {
    this.#drawn = []
    if (this.#isOpen) this.#stream.write(`${ESC}2J`)
  }

  draw(lines: readonly string[]): void {
    if (!this.#isOpen) return
    const changed = lines
      .map((text, index) => (text === this.#drawn[index] ? '' : `${ESC}${index + 1};1H${ESC}2K${text}`))
      .join('')
    this.#drawn = lines
    if (changed !== '') this.#stream.write(`${BEGIN}${changed}${END}`)
  }
}
