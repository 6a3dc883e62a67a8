import { AuditError } from '../../../base/errors.js'
import { PLATFORM_ANCHOR } from '../../../chain/uuid.js'
import type { Context } from '../../../compose/context.js'
import { PROOF_TOOLS } from '../../../compose/read/proof.js'
import { openSource } from '../../../compose/verify.js'
import type { KnownChains } from '../../../ports/domains.js'
import type { CopyName } from '../../../ports/verify.js'
import { ChainHeads } from '../../../verify/signed/chain-heads.js'
import { type CosignedCandidate, candidatesIn, cosignedOf } from '../../../verify/signed/cosigned.js'
import type { CosignedCheckpoint } from '../../../verify/signed/witnessing.js'
import type { Verdict } from '../../../verify/verdict.js'
import { verifyChain } from '../../../verify/verify-chain.js'
import { safe } from '../../output/safe-text.js'
import { note } from '../../output/streams.js'
import { machineClock } from '../machine-clock.js'
import { refuseInvalid } from './given.js'
import type { RunHeads } from './run-heads.js'

type Cosigned = readonly CosignedCheckpoint[]

/**
 * The checkpoints of the platform chain that witnesses of the policy signed. They count where its rows reproduce them (witness.md,
 * section 1). Rows that cannot be read or have a finding reproduce nothing, and a note says so: whether the platform chain is intact
 * is the answer of another run.
 */
export class Witnesses {
  readonly #heads: RunHeads
  readonly #context: Context
  readonly #source: CopyName
  readonly #signal: AbortSignal
  #ofAll: Promise<Cosigned> | undefined

  constructor(heads: RunHeads, context: Context, source: CopyName, signal: AbortSignal) {
    this.#heads = heads
    this.#context = context
    this.#source = source
    this.#signal = signal
  }

  /** Returns the checkpoints that may cover the head of a chain. `known`: all chains, where every chain is verified. */
  async of({ signatures, domainId }: Verdict, known: KnownChains | undefined): Promise<Cosigned> {
    if (!this.#heads.hasWitnesses) return []
    if (known !== undefined) {
      this.#ofAll ??= this.#read(1, known)
      return this.#ofAll
    }
    const { through } = signatures ?? {}
    const seq = domainId === PLATFORM_ANCHOR ? through?.throughSeq : through?.platformSeq
    return seq === undefined ? [] : this.#read(seq, known)
  }

  /** Returns the checkpoints with at least `from` rows whose rows from there on reproduce them. */
  async #read(from: number, known: KnownChains | undefined): Promise<Cosigned> {
    const { reader, given } = this.#heads
    const stated = await reader.of(PLATFORM_ANCHOR, this.#signal)
    const named = given.filter(({ file }) => file.domainId === PLATFORM_ANCHOR)
    for (const one of named) {
      const signers = stated.signersOf(one.file) ?? refuseInvalid(one)
      if (signers.signer === undefined)
        note(safe`note: the checkpoint ${one.path} does not count: no known key of the log signed it`)
    }
    const kept = await reader.cosignedFiles(PLATFORM_ANCHOR, this.#signal)
    const candidates = candidatesIn([...named.map((one) => ({ ...one, beside: [] })), ...kept], stated)
    const covering = candidates.filter(({ file }) => file.size >= from)
    if (covering.length === 0) return candidates.map(cosignedOf)
    const options = { hasher: PROOF_TOOLS.treeHasher, observer: undefined, refuse: refuseInvalid }
    const heads = new ChainHeads(stated, covering, options)
    const isReproduced = await this.#reproduces(heads, covering, from, known)
    return isReproduced ? candidates.map(cosignedOf) : []
  }

  async #reproduces(
    heads: ChainHeads,
    candidates: readonly CosignedCandidate[],
    from: number,
    known: KnownChains | undefined,
  ): Promise<boolean> {
    const hasRootAlone = candidates.some(({ file }) => file.entryHash === undefined)
    const segment = {
      fromSeq: hasRootAlone ? 1 : from,
      toSeq: Math.max(...candidates.map(({ file }) => file.size)),
    }
    try {
      const options = { unread: known?.unread, signal: this.#signal }
      const source = await openSource(this.#context, this.#source, PLATFORM_ANCHOR, options)
      const about = { domainId: PLATFORM_ANCHOR, ...segment, pins: [], now: machineClock() }
      const request = { ...about, observer: heads.observer, signed: heads.stated }
      const { verdict, unproven } = heads.judge(
        await verifyChain(source, request, () => undefined, this.#signal),
      )
      const isReproduced = verdict.ok && verdict.doubts.length === 0 && unproven.length === 0
      if (!isReproduced) note(NOT_REPRODUCED)
      return isReproduced
    } catch (error) {
      if (!(error instanceof AuditError)) throw error
      note(
        safe`note: the cosigned checkpoints do not count: the platform chain was not read: ${error.message}`,
      )
      return false
    }
  }
}

const NOT_REPRODUCED =
  'note: the cosigned checkpoints do not count: the platform chain does not reproduce them; run: audit verify --platform'
