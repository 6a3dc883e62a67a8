import type { ChainHead } from './entry.js'
import type { Findings } from './finding.js'

interface Pin {
  readonly hash: string
  isMet: boolean
  /** entry_hash stored at the pin's seq, of the last row there if there are several. */
  observed: string | undefined
}

/** Heads that were seen before and must still be in the chain. By seq, for a chain may have one pin a day of its life. */
export class Pins {
  readonly #bySeq = new Map<number, Pin[]>()

  constructor(heads: readonly ChainHead[]) {
    for (const { seq, hash } of [...heads].sort((a, b) => a.seq - b.seq)) {
      const pin: Pin = { hash, isMet: false, observed: undefined }
      const there = this.#bySeq.get(seq)
      if (there === undefined) this.#bySeq.set(seq, [pin])
      else there.push(pin)
    }
  }

  /** Tells of a row that is there. Where its seq is duplicated, one of the rows must be the pinned one. */
  answer(seq: number, entryHash: string | undefined): void {
    if (this.#bySeq.size === 0) return
    for (const pin of this.#bySeq.get(seq) ?? []) {
      pin.isMet ||= entryHash === pin.hash
      pin.observed = entryHash
    }
  }

  report(findings: Findings): void {
    for (const [seq, pins] of this.#bySeq) {
      const unmet = pins.find((pin) => !pin.isMet)
      if (unmet === undefined) continue
      const detail = `the pinned head ${seq} is not in the chain`
      const { hash: expected, observed } = unmet
      findings.add({ code: 'unexpected_head', seqFrom: seq, seqTo: seq, expected, observed, detail })
    }
  }
}
