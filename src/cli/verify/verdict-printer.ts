import type { Context } from '../../compose/context.js'
import { fullVerifyResult } from '../../json/full-verify-result.js'
import type { Alerts } from '../../ports/alerts.js'
import type { ShownNames } from '../../query/choose-domain.js'
import { isUndecided } from '../../verify/copy-findings.js'
import { withName } from '../output/chain-text.js'
import type { Output } from '../output/output.js'
import { rowlessNotes } from '../output/rowless-note.js'
import { strayNotes } from '../output/stray-note.js'
import { note } from '../output/streams.js'
import { reportFailure } from '../shell/failure.js'
import { namingChain } from './name-chain.js'
import type { VerifyOptions } from './options.js'
import { quarantine, type Verified } from './quarantine.js'
import type { RunJudge } from './signed/judge.js'
import { verdictText } from './text.js'

/** What a run prints with, and where it reports findings. */
export interface PrinterDeps {
  readonly context: Context
  readonly judge: RunJudge
  readonly alerts: Alerts
  readonly out: Output
}

/** Presents the verdicts of a run: on stdout, in the quarantine and to the webhook. */
export class VerdictPrinter {
  readonly #options: VerifyOptions
  readonly #context: Context
  readonly #judge: RunJudge
  readonly #alerts: Alerts
  readonly #out: Output
  readonly #signal: AbortSignal

  constructor(options: VerifyOptions, { context, judge, alerts, out }: PrinterDeps, signal: AbortSignal) {
    this.#options = options
    this.#context = context
    this.#judge = judge
    this.#alerts = alerts
    this.#out = out
    this.#signal = signal
  }

  /** Prints a verdict, unless somebody follows the run, and the notes and doubts about it. */
  async report(verified: Verified): Promise<void> {
    const { verdict } = verified
    if (this.#options.watcher === undefined) await this.#publish(verified)
    if (verdict.uncounted !== undefined && verdict.uncounted.length > 0)
      note(
        `note: indexes not counted, because PostgreSQL reads by another one: ${verdict.uncounted.join(', ')}`,
      )
    for (const line of rowlessNotes(verdict.domainId, verdict.rowlessStamps)) note(line)
    for (const line of strayNotes(verdict.domainId, verdict.strays)) note(line)
    const isAll = this.#options.chain === 'all'
    for (const doubt of verdict.doubts)
      reportFailure(isAll ? namingChain(doubt, verdict.domainId) : doubt, this.#options.json)
  }

  #shownNames(domainId: string): Promise<ShownNames> {
    const { chain, names } = this.#options
    return names.shown(chain === 'all' ? 'all' : [domainId])
  }

  /** Prints the verdict, records its findings and sends them to the webhook. */
  async #publish(verified: Verified): Promise<void> {
    const { verdict, concluded } = verified
    const names = await this.#shownNames(verdict.domainId)
    if (this.#options.json) {
      const conclusion = this.#judge.jsonOf(verdict, concluded)
      await this.#out.json(withName(fullVerifyResult(verdict, conclusion), names))
    } else await this.#out.line(verdictText(verdict, { style: this.#out.style, names, concluded }))
    if (verdict.findings.some(isUndecided))
      note('to see which copy was rewritten, give a head seen before: --expect-head SEQ:HASH')
    // Without a database there is no quarantine.
    if (this.#options.quarantine && this.#options.source !== 'mirror')
      await quarantine(verified, this.#context, this.#signal)
    this.#alerts.raise(verdict)
  }
}
