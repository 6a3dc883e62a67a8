import { AuditError } from '../../base/errors.js'
import { PLATFORM_ANCHOR } from '../../chain/uuid.js'
import type { MirroredChains } from '../../verify/mirror-chains.js'
import type { Output } from '../output/output.js'
import { EXIT, type ExitCode } from '../shell/exit-codes.js'
import { reportFailure } from '../shell/failure.js'
import type { PinsByChain } from '../verify/pins-file.js'
import { type ChainToRestore, exitOf, type RestoreOutcome, type Restorer } from './restore-chain.js'
import { summarise, tellOutcome, tellSummary } from './text.js'

/** A chain of `--all`. */
interface Planned extends ChainToRestore {
  /** Row of the platform chain that names its own mirror: to be believed once that row is known to be intact. */
  readonly namedBy?: number | undefined
}

/** Every chain that the mirror speaks of, the platform chain first, each told as it ends; one that fails stops no other. */
export class RestoreAll {
  readonly #outcomes: RestoreOutcome[] = []
  #failed = 0
  /** As far as the platform chain is restored, or was there and is the mirror's. */
  #platformUpTo = 0

  constructor(
    readonly restorer: Restorer,
    readonly json: boolean,
    readonly out: Output,
    readonly signal: AbortSignal,
  ) {}

  /** Resolves with 0 or 1; what could not be done is reported chain by chain. */
  async run(pins: PinsByChain): Promise<ExitCode> {
    const planned = await this.#plan(pins)
    if (planned.length === 0) {
      const hint = 'check --mirror (AUDIT_MIRROR_URL)'
      throw new AuditError('nothing_to_verify', 'there is no chain in the mirror', { hint })
    }
    await this.#announce(planned)
    for (const chain of planned) await this.#restore(chain)
    await tellSummary(summarise(this.#outcomes, this.#failed), this.json, this.out)
    return this.#outcomes.some((outcome) => exitOf(outcome) !== EXIT.done) ? EXIT.finding : EXIT.done
  }

  async #plan(pins: PinsByChain): Promise<Planned[]> {
    const { context } = this.restorer
    const { mirroredChains } = await import('../../verify/mirror-chains.js')
    const mirrored = await mirroredChains(await context.mirrorOf(), await context.codec(), this.signal)
    const others = new Set([...mirrored.stored, ...mirrored.created.keys(), ...pins.keys()])
    const hasPlatform = others.delete(PLATFORM_ANCHOR) || mirrored.expectsPlatform
    const ids = [...(hasPlatform ? [PLATFORM_ANCHOR] : []), ...[...others].sort()]
    return ids.map((domainId) => planned(domainId, mirrored, pins))
  }

  /** So that a verify knows, from the first row of the first chain on, that the others are still to come. */
  async #announce(chains: readonly Planned[]): Promise<void> {
    const { target, context } = this.restorer
    for (const { domainId, mirrorUrl } of chains) {
      if ((await target.headOf(domainId)) !== undefined) continue
      await target.begin(domainId, mirrorUrl ?? context.mirrorUrl)
    }
  }

  async #restore(chain: Planned): Promise<void> {
    try {
      const outcome = await this.#outcomeOf(chain)
      this.#outcomes.push(outcome)
      if (chain.domainId === PLATFORM_ANCHOR) this.#platformUpTo = endOf(outcome)
      await tellOutcome(outcome, this.json, this.out)
      if (outcome.kind === 'broken') await this.restorer.target.abandon(chain.domainId)
    } catch (error) {
      this.signal.throwIfAborted()
      this.#failed += 1
      reportFailure(error, this.json)
      if (isRefusal(error)) await this.restorer.target.abandon(chain.domainId)
    }
  }

  async #outcomeOf(chain: Planned): Promise<RestoreOutcome> {
    this.#assertTrusted(chain)
    const head = await this.restorer.target.headOf(chain.domainId)
    return head === undefined ? this.restorer.restore(chain) : this.#compare(chain)
  }

  /** A chain's own mirror is where the platform chain says, and that is only worth something as far as it is intact. */
  #assertTrusted({ domainId, mirrorUrl, namedBy }: Planned): void {
    if (mirrorUrl === undefined || (namedBy ?? 0) <= this.#platformUpTo) return
    const where = `row ${namedBy} of the platform chain, which was not restored`
    throw new AuditError('mirror_broken', `the mirror of Domain ${domainId} is named by ${where}`, {
      hint: `find out where its mirror is, then run: audit archive restore --domain ${domainId} --mirror URL`,
    })
  }

  /** What an earlier run restored is no reason to stop, whatever was appended since. */
  async #compare(chain: Planned): Promise<RestoreOutcome> {
    const both = await this.restorer.verify('both', chain, chain.pins)
    if (both.ok) return { kind: 'present', both }
    const codes = [...new Set(both.findings.map(({ code }) => code))].join(', ')
    throw new AuditError(
      'chain_exists',
      `chain ${chain.domainId} is there already, and is not the mirror's: ${codes}`,
      { hint: `run: audit verify --domain ${chain.domainId} --source both` },
    )
  }
}

function planned(domainId: string, { created, expectsPlatform }: MirroredChains, pins: PinsByChain): Planned {
  const own = pins.get(domainId) ?? []
  const creation = created.get(domainId)
  const isExpected = creation !== undefined || (domainId === PLATFORM_ANCHOR && expectsPlatform)
  if (creation?.mirrorUrl === undefined) return { domainId, pins: own, isExpected }
  return { domainId, pins: own, isExpected, mirrorUrl: creation.mirrorUrl, namedBy: creation.seq }
}

function endOf(outcome: RestoreOutcome): number {
  if (outcome.kind === 'restored') return outcome.restored.head.seq
  return outcome.kind === 'present' ? outcome.both.head.seq : 0
}

/** What running it again as it was does not help. */
function isRefusal(error: unknown): boolean {
  return error instanceof AuditError && ['pepper_mismatch', 'mirror_broken'].includes(error.code)
}
