import type { ChainHead, PinnedHead } from '../../../chain/entry.js'
import { flagValue } from '../../flags/flag-value.js'
import { safe } from '../../output/safe-text.js'
import { note } from '../../output/streams.js'
import { RememberFile } from './remember-file.js'
import { linesAfter, type RememberedLine, rememberedLines, type SeenHead } from './remembered-lines.js'

/** The rows of a run. */
interface Segment {
  readonly fromSeq: number
  /** Absent: up to the end of the chain. */
  readonly toSeq?: number | undefined
}

/** The heads of earlier runs, which the chains must still contain. A run that ends with 0 adds its own. */
export class Memory {
  readonly #file: RememberFile
  readonly #heads = new Map<string, PinnedHead[]>()
  readonly #seen: SeenHead[] = []

  private constructor(file: RememberFile, lines: readonly RememberedLine[]) {
    this.#file = file
    for (const { domainId, head } of lines)
      this.#heads.set(domainId, [...(this.#heads.get(domainId) ?? []), head])
  }

  /** Reads the file; undefined without a path. Rejects with `file_unreadable` and `invalid_input`. */
  static async open(path: string | undefined): Promise<Memory | undefined> {
    if (path === undefined) return undefined
    const file = new RememberFile(path)
    const text = await file.read()
    return new Memory(
      file,
      flagValue('--remember', () => rememberedLines(text)),
    )
  }

  /** The chains that have a remembered head. */
  get domainIds(): string[] {
    return [...this.#heads.keys()]
  }

  /** Returns the remembered heads of a chain that lie in a segment, or right before it. */
  headsIn(domainId: string, { fromSeq, toSeq = Number.POSITIVE_INFINITY }: Segment): PinnedHead[] {
    return (this.#heads.get(domainId) ?? []).filter(({ seq }) => seq >= fromSeq - 1 && seq <= toSeq)
  }

  /** Takes the head of an intact chain. `checked`: the remembered heads that the run compared with the chain. */
  see(domainId: string, head: ChainHead, checked: readonly ChainHead[]): void {
    if (head.seq > 0) this.#seen.push({ domainId, head, checked })
  }

  /** Writes the heads that were seen. Call it where the run ends with 0. Rejects with `output_failed`. */
  async save(): Promise<void> {
    if (this.#seen.length === 0) return
    const isFirst = this.#seen.filter(({ domainId }) => !this.#heads.has(domainId)).length
    await this.#file.update((text) => {
      const lines = linesAfter(rememberedLines(text), this.#seen)
      return `${lines.join('\n')}\n`
    })
    note(safe`remembered ${countOf(this.#seen.length)} in ${this.#file.path}`)
    for (const { domainId, head } of this.#seen.splice(0)) {
      if (!this.#heads.has(domainId)) this.#heads.set(domainId, [head])
    }
    if (isFirst > 0)
      note(`note: ${countOf(isFirst)} had none before: rows that were removed before this run do not show`)
  }
}

function countOf(heads: number): string {
  return heads === 1 ? 'the head of 1 chain' : `the heads of ${heads} chains`
}
