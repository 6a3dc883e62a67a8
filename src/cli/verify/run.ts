import { AuditError } from '../../base/errors.js'
import type { ChainHead } from '../../chain/entry.js'
import { openAlerts } from '../../compose/alerts.js'
import type { Context } from '../../compose/context.js'
import { openQuarantineStore } from '../../compose/quarantine.js'
import { chainsKnownTo, openSource } from '../../compose/verify.js'
import { verifyResult } from '../../json/verify-result.js'
import type { Alerts } from '../../ports/alerts.js'
import type { KnownChains } from '../../ports/domains.js'
import type { CopyName } from '../../ports/verify.js'
import { isUndecided } from '../../verify/copy-findings.js'
import type { Verdict } from '../../verify/verdict.js'
import { chainsToVerify, summarise } from '../../verify/verify-all.js'
import { type VerifyRequest, verifyChain } from '../../verify/verify-chain.js'
import type { Output } from '../output/output.js'
import { withProgress } from '../output/progress.js'
import { safe } from '../output/safe-text.js'
import { note } from '../output/streams.js'
import { CommandError } from '../shell/command-error.js'
import { onEveryChain } from '../shell/each-chain.js'
import { EXIT, type ExitCode } from '../shell/exit-codes.js'
import { type PinOptions, type PinsByChain, pinsOf, pinsOfChain } from './pins-file.js'
import { summaryText, verdictText } from './text.js'

/** The options of `verify`, parsed. */
export interface VerifyOptions extends PinOptions {
  readonly source: CopyName
  readonly fromSeq?: number | undefined
  readonly toSeq?: number | undefined
  readonly quarantine: boolean
  readonly json: boolean
}

/** Verifies one chain or all. Resolves with 0 or 1. Throws an error; with several chains it reports each error instead. */
export async function runVerify(
  options: VerifyOptions,
  context: Context,
  out: Output,
  signal: AbortSignal,
): Promise<ExitCode> {
  const alerts = await openAlerts(context, note)
  const pins = await pinsOf(options)
  const run = new VerifyRun(options, context, alerts, out, signal)
  if (options.source !== 'mirror') await noteOtherLogs(context)
  if (options.chain === 'all') return run.all(await chainsKnownTo(context, options.source, signal), pins)
  return run.one(options.chain, pinsOfChain(options, pins))
}

class VerifyRun {
  constructor(
    readonly options: VerifyOptions,
    readonly context: Context,
    readonly alerts: Alerts,
    readonly out: Output,
    readonly signal: AbortSignal,
  ) {}

  async one(domainId: string, pins: readonly ChainHead[]): Promise<ExitCode> {
    const verdict = await this.#verify(domainId, pins)
    await this.#report(verdict)
    return verdict.ok ? EXIT.done : EXIT.finding
  }

  /** Verifies every chain. The error of a chain that cannot be checked is reported, and the next chain follows. */
  async all(known: KnownChains, pins: PinsByChain): Promise<ExitCode> {
    const verify = async (domainId: string) => {
      const verdict = await this.#verify(domainId, pins.get(domainId) ?? [], known)
      await this.#report(verdict)
      return verdict
    }
    const chains = chainsToVerify(known, pins)
    if (chains.length === 0) {
      throw new AuditError('nothing_to_verify', 'there is no chain to verify', {
        advice: { code: this.options.source === 'mirror' ? 'check_mirror' : 'create_domain' },
      })
    }
    const { done: verdicts, failed } = await onEveryChain(chains, verify, this.options.json, this.signal)
    noteElsewhere(known, pins)
    const summary = summarise(verdicts, failed)
    if (this.options.json) await this.out.json({ summary })
    else await this.out.line(summaryText(summary))
    return summary.diverged > 0 ? EXIT.finding : EXIT.done
  }

  async #verify(domainId: string, pins: readonly ChainHead[], known?: KnownChains): Promise<Verdict> {
    assertHere(domainId, known)
    const { fromSeq = 1, toSeq } = this.options
    const request: VerifyRequest = { domainId, fromSeq, toSeq, pins, known }
    const isExpected = known?.created.has(domainId) ?? false
    const source = await openSource(this.context, this.options.source, domainId, { isExpected })
    return withProgress(`verify ${domainId}`, (onProgress) =>
      verifyChain(source, request, onProgress, this.signal),
    )
  }

  async #report(verdict: Verdict): Promise<void> {
    if (this.options.json) await this.out.json(verifyResult(verdict))
    else await this.out.line(verdictText(verdict))
    if (verdict.findings.some(isUndecided))
      note('to see which copy was rewritten, give a head seen before: --expect-head SEQ:HASH')
    // Without a database there is no quarantine.
    if (this.options.quarantine && this.options.source !== 'mirror') await this.#quarantine(verdict)
    this.alerts.raise(verdict)
  }

  /** Records the findings. A failure to record them is a note and changes no verdict. */
  async #quarantine({ domainId, source, findings }: Verdict): Promise<void> {
    if (findings.length === 0) return
    try {
      const { recordFindings } = await import('../../quarantine/quarantine.js')
      const store = await openQuarantineStore(this.context)
      const recorded = await recordFindings(store, domainId, source, findings)
      if (recorded === 'not_permitted')
        note('note: the findings were not quarantined: this role may not write')
      else if (recorded.written > 0) note(`${recorded.written} quarantined; see: audit quarantine list --all`)
    } catch (error) {
      note(
        `note: the findings were not quarantined: ${error instanceof AuditError ? error.message : 'it failed'}`,
      )
    }
  }
}

/** Notes the chains that the summary does not count, because they are in another mirror. */
function noteElsewhere({ elsewhere = [] }: KnownChains, pins: PinsByChain): void {
  for (const { domainId, mirrorUrl } of elsewhere) {
    if (pins.has(domainId)) continue
    note(
      safe`note: Domain ${domainId} is not in this mirror and was not verified: its own mirror is ${mirrorUrl}`,
    )
  }
}

/** Throws for a pinned chain in another mirror: this mirror cannot show whether the chain is intact. */
function assertHere(domainId: string, known: KnownChains | undefined): void {
  const other = known?.elsewhere?.find((one) => one.domainId === domainId)
  if (other === undefined) return
  throw new CommandError(
    'nothing_to_verify',
    `Domain ${domainId} is pinned and is not in this mirror: its own mirror is ${other.mirrorUrl}`,
    `run: audit verify --domain ${domainId} --source mirror --mirror ${other.mirrorUrl}`,
  )
}

/** Notes other audit logs in the database: the search_path may lead to another log than the intended one. */
async function noteOtherLogs(context: Context): Promise<void> {
  const { location } = await context.database()
  if (location === undefined || location.elsewhere.length === 0) return
  const others = location.elsewhere.join(', ')
  note(safe`note: this is the audit log of schema ${location.schema}; this database has others: ${others}`)
}
