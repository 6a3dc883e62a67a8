import type { ChainHead } from './entry.js'
import type { Finding, Findings } from './finding.js'

interface Pin {
  readonly hash: string
  isMet: boolean
  /** The entry_hash stored at the pin's seq; of several rows with that seq, the last one's. */
  observed: string | undefined
}

/** Heads that were noted earlier and must still be in the chain. Indexed by seq, because a chain may have one pin for every day. */
export class Pins {
  readonly #bySeq = new Map<number, Pin[]>()

  constructor(heads: readonly ChainHead[]) {
    for (const { seq, hash } of [...heads].sort((a, b) => a.seq - b.seq)) {
      const pin: Pin = { hash, isMet: false, observed: undefined }
      const pins = this.#bySeq.get(seq)
      if (pins === undefined) this.#bySeq.set(seq, [pin])
      else pins.push(pin)
    }
  }

  /** Compares a row with the pins of its seq. Of rows with a duplicated seq, one must be the pinned row. */
  check(seq: number, entryHash: string | undefined): void {
    if (this.#bySeq.size === 0) return
    for (const pin of this.#bySeq.get(seq) ?? []) {
      pin.isMet ||= entryHash === pin.hash
      pin.observed = entryHash
    }
  }

  report(findings: Findings): void {
    for (const [seq, pins] of this.#bySeq) {
      const unmet = pins.find((pin) => !pin.isMet)
      if (unmet !== undefined) findings.add(notInChain(seq, unmet))
    }
  }

  /** Returns the pins that a row below `seq` contradicts. Another row with the number `seq` may still come. */
  contradicted(seq: number): Finding[] {
    return [...this.#bySeq].flatMap(([at, pins]) => {
      const unmet = pins.find((pin) => !pin.isMet && pin.observed !== undefined)
      return unmet === undefined || at >= seq ? [] : [notInChain(at, unmet)]
    })
  }
}

function notInChain(seq: number, { hash: expected, observed }: Pin): Finding {
  const detail = `the pinned head ${seq} is not in the chain`
  return { code: 'unexpected_head', seqFrom: seq, seqTo: seq, expected, observed, detail }
}
