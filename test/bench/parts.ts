import { benchAppend, benchKeyedAppend } from './append.js'
import { benchAppendCopy } from './append-copy.js'
import { benchArchiver } from './archiver.js'
import { benchBefore, benchBytes } from './before.js'
import { benchBrowse } from './browse.js'
import { benchCopy } from './copy.js'
import { benchErase } from './erase.js'
import { benchEvidence } from './evidence.js'
import { benchHttp } from './http.js'
import { benchLook } from './look.js'
import { benchMirror } from './mirror.js'
import { benchProofs } from './proofs.js'
import { benchQueries } from './queries.js'
import { benchRecordIn } from './record-in.js'
import { benchReport } from './report.js'
import { benchSignedHeads } from './signed-heads.js'
import { benchSigner } from './signer.js'
import { benchSink } from './sink.js'
import { benchStart } from './start.js'
import type { Bench } from './subject.js'
import { benchVerify } from './verify.js'

/** The chains that parts share. The first part that needs one appends it, and that append is reported too. */
export class BenchChains {
  readonly #bench: Bench
  readonly #chains = new Map<number, Promise<string>>()

  constructor(bench: Bench) {
    this.#bench = bench
  }

  /** Returns a chain of {@link Bench.rows} rows. */
  long(): Promise<string> {
    return this.#of(this.#bench.rows)
  }

  /** Returns a chain of a tenth of these rows. */
  short(): Promise<string> {
    return this.#of(Math.round(this.#bench.rows / 10))
  }

  #of(rows: number): Promise<string> {
    const chain = this.#chains.get(rows) ?? benchAppend(this.#bench, rows)
    this.#chains.set(rows, chain)
    return chain
  }
}

type Part = (bench: Bench, chains: BenchChains) => Promise<unknown>

/** The parts by name, in the order in which they run. */
export const PARTS: Readonly<Record<string, Part>> = {
  append: async (_bench, chains) => [await chains.long(), await chains.short()],
  'append-copy': (bench) => benchAppendCopy(bench, bench.rows),
  before: ({ rows }) => benchBefore(rows),
  bytes: ({ rows }) => benchBytes(rows),
  keys: (bench) => benchKeyedAppend(bench, Math.round(bench.rows / 20)),
  look: (bench) => benchLook(bench, Math.min(1_000, Math.round(bench.rows / 20))),
  sink: (bench) => benchSink(bench, Math.round(bench.rows / 5)),
  'record-in': (bench) => benchRecordIn(bench, Math.min(1_000, Math.round(bench.rows / 20))),
  verify: async (bench, chains) => {
    await benchVerify(bench, await chains.short())
    await benchVerify(bench, await chains.long())
  },
  'signed-heads': async (bench, chains) => benchSignedHeads(bench, await chains.long()),
  report: async (bench, chains) => benchReport(bench, await chains.short()),
  copy: async (bench, chains) => benchCopy(bench, await chains.short()),
  evidence: async (bench, chains) => benchEvidence(bench, await chains.long()),
  queries: async (bench, chains) => benchQueries(bench, await chains.long()),
  proofs: async (bench, chains) => benchProofs(bench, await chains.long()),
  erase: (bench) => benchErase(bench, Math.round(bench.rows / 10)),
  http: async (bench, chains) => benchHttp(bench, await chains.long()),
  start: benchStart,
  browse: benchBrowse,
  mirror: async (bench, chains) => benchMirror(bench, await chains.short(), Math.round(bench.rows / 10) + 1),
  archiver: ({ rows }) => benchArchiver(Math.round(rows * 0.03)),
  signer: ({ rows }) => benchSigner(Math.round(rows / 10), Math.round(rows / 100)),
}
