import { AuditError } from '../../base/errors.js'
import { storeFailure } from '../../base/store-failure.js'
import type { Context } from '../../compose/context.js'
import { mirrorLocations } from '../../compose/location.js'
import type { RowsFrom } from '../../compose/read/rows.js'
import type { KnownChains } from '../../ports/domains.js'
import type { EntryReader } from '../../ports/query.js'
import { safe } from '../output/safe-text.js'
import { note } from '../output/streams.js'
import { CommandError } from '../shell/command-error.js'
import { reportFailure } from '../shell/failure.js'
import { verifyWords } from '../shell/verify-words.js'
import { namingChain } from '../verify/name-chain.js'

/** Every chain that a copy mentions. A chain that cannot be read is reported, and the answer has the others. */
export class EveryChain {
  readonly #known: KnownChains
  readonly #source: 'postgres' | 'mirror'
  readonly #verify: string
  readonly #json: boolean

  private constructor(known: KnownChains, source: 'postgres' | 'mirror', verify: string, json: boolean) {
    this.#known = known
    this.#source = source
    this.#verify = verify
    this.#json = json
  }

  /** Rejects where the copy mentions no chain, or its chains cannot be found. */
  static async of(
    context: Context,
    source: 'postgres' | 'mirror',
    json: boolean,
    signal: AbortSignal,
  ): Promise<EveryChain> {
    const { chainsKnownTo, noChainKnownTo } = await import('../../compose/known-chains.js')
    const known = await chainsKnownTo(context, source, signal)
    const given = source === 'mirror' ? (await mirrorLocations(context)).given : undefined
    const verify = verifyWords({ source, chain: 'all', given })
    if (known.domainIds.length > 0) return new EveryChain(known, source, verify, json)
    throw known.doubts?.[0] ?? (await noChainKnownTo(context, source, signal))
  }

  /** The copies of the chains, in the order of their ids. */
  get copies(): readonly RowsFrom[] {
    const domainIds = [...new Set(this.#known.domainIds)].sort()
    return domainIds.map((domainId) => ({ source: this.#source, domainId }))
  }

  /** Returns why the place of a chain could not be read when the chains were looked for. */
  unread(domainId: string): AuditError | undefined {
    return this.#known.unread?.get(domainId)
  }

  /** Rejects with `domain_not_found` where the creation of a chain is recorded, and the copy has no row of it. */
  async assertHeld(reader: EntryReader, domainId: string): Promise<void> {
    if (!this.#known.created.has(domainId)) return
    const rows = await reader.page(domainId, {}, { after: 0, limit: 1 })
    if (rows.length === 0) throw new AuditError('domain_not_found', `there is no row of chain ${domainId}`)
  }

  /** Reports why the answer lacks rows of a chain. Throws an error that is not about this chain alone. */
  leaveOut(domainId: string, error: unknown): void {
    reportFailure(namingChain(this.#failureOf(domainId, error), domainId), this.#json)
  }

  /** Notes the chains that are in other mirrors, and reports why these may not be all chains. */
  finish(): void {
    const { elsewhere = [], doubts = [] } = this.#known
    for (const { domainId, mirrorUrl } of elsewhere) {
      note(
        safe`note: Domain ${domainId} is not in this mirror, and its rows are not in this answer: its own mirror is ${mirrorUrl}`,
      )
    }
    for (const doubt of doubts) reportFailure(doubt, this.#json)
  }

  #failureOf(domainId: string, error: unknown): AuditError {
    const broken = storeFailure(error)
    if (broken !== undefined) return broken
    if (!(error instanceof AuditError) || !LEFT_OUT.has(error.code)) throw error
    if (error.code !== 'domain_not_found') return error
    const [copy, late] =
      this.#source === 'mirror' ? ['this mirror', ', unless it is still to be uploaded'] : ['PostgreSQL', '']
    return new CommandError(
      'chain_conflict',
      `Domain ${domainId} is recorded, and ${copy} holds no row of its chain: this answer lacks the chain${late}`,
      `run: ${this.#verify}`,
    )
  }
}

/** Errors that are about one chain and its place. */
const LEFT_OUT: ReadonlySet<string> = new Set(['domain_not_found', 'mirror_not_mapped'])
