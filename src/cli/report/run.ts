import { AuditError } from '../../base/errors.js'
import { OutputFile } from '../../bundle/output-file.js'
import type { Context } from '../../compose/context.js'
import { type FullVerifyResult, fullVerifyResult } from '../../json/full-verify-result.js'
import type { EntryFilter } from '../../ports/query.js'
import type { ShownNames } from '../../query/choose-domain.js'
import type { Verdict } from '../../verify/verdict.js'
import type { BundleOptions } from '../bundle/verify-run.js'
import { shownName, withName } from '../output/chain-text.js'
import type { Output } from '../output/output.js'
import { safe } from '../output/safe-text.js'
import { note } from '../output/streams.js'
import type { ExitCode } from '../shell/exit-codes.js'
import type { VerifyOptions } from '../verify/options.js'
import { concludedAlone, hasSeen } from '../verify/signed/judge.js'
import { verdictText } from '../verify/text.js'
import { madeNow } from './clock.js'
import { type Contexts, contextBlocks } from './context-blocks.js'
import { checkCommands, copyText, type ReadCopy } from './copy-words.js'
import { pageAssets, reportPage } from './page/document.js'
import type { ChainReport, CutContext, ReportData } from './page/report-data.js'
import { ReportWatcher } from './report-watcher.js'
import { type WrittenPage, writePage } from './write-page.js'

/** The options of `report`, parsed. */
export interface ReportOptions {
  /** What to verify: chains, or a bundle. */
  readonly check: VerifyOptions | BundleOptions
  readonly copy: ReadCopy
  readonly filter: EntryFilter
  /** The filter as it was given. Empty: every row is selected. */
  readonly filterWords: ReportData['filter']
  readonly hasContext: boolean
  /** Whether the log is about to be removed, so that no command can read it. Default: false. */
  readonly isRemoved?: boolean
  readonly output: string
  readonly replace: boolean
  /** Name and version of this program. */
  readonly tool: string
  readonly json: boolean
}

/**
 * Verifies and writes the page about it. Resolves with 0 or 1. Rejects with the error of a chain or bundle that cannot be
 * read, and then writes nothing; with several chains, the page names those that cannot be read.
 */
export async function runReport(
  options: ReportOptions,
  context: Context,
  out: Output,
  signal: AbortSignal,
): Promise<ExitCode> {
  const output = new OutputFile(options.output, options.replace)
  await output.assertFree()
  const assets = pageAssets()
  const isFiltered = options.filterWords.length > 0
  const watcher = new ReportWatcher(options.copy.fromSeq ?? 1, isFiltered ? options.filter : undefined)
  const outcome = await verified(options, watcher, context, out, signal)
  const read = watcher.chains()
  const names = await options.check.names.shown(read.map(({ domainId }) => domainId))
  const chains = read.map((chain) =>
    withFailure({ ...chain, name: shownName(chain.domainId, names) }, outcome),
  )
  if (!chains.some(({ verdict }) => verdict !== undefined))
    throw 'error' in outcome ? outcome.error : nothingRead()
  const contexts = options.hasContext
    ? await contextBlocks(context, watcher.listed(), options.filter, signal)
    : { blocks: [] }
  noteLeftOut(chains)
  if (contexts.cut !== undefined) noteCut(contexts.cut)
  const data = await reportData(options, chains, watcher, contexts, context)
  const written = await writePage(output, reportPage(data, watcher.rows, assets, contexts.blocks), signal)
  await print(options, { chains, names, listed: watcher.rows.length }, written, out)
  if ('error' in outcome) throw outcome.error
  return outcome.code
}

type Outcome = { readonly code: ExitCode } | { readonly error: unknown }

/** A filtered bundle rejects after its verdict, and is still shown. */
async function verified(
  { check }: ReportOptions,
  watcher: ReportWatcher,
  context: Context,
  out: Output,
  signal: AbortSignal,
): Promise<Outcome> {
  try {
    if ('path' in check) {
      const { runVerifyBundle } = await import('../bundle/verify-run.js')
      return { code: await runVerifyBundle({ ...check, watcher }, context, out, signal) }
    }
    const { runVerify } = await import('../verify/run.js')
    return { code: await runVerify({ ...check, quarantine: false, watcher }, context, out, signal) }
  } catch (error) {
    if (signal.aborted) throw error
    return { error }
  }
}

/** Gives a chain whose verdict did not hold the error that says why. */
function withFailure(chain: ChainReport, outcome: Outcome): ChainReport {
  const error = 'error' in outcome ? outcome.error : undefined
  // The heads could not be remembered, which takes nothing from the verdict.
  if (!(error instanceof AuditError) || error.code === 'output_failed') return chain
  return { failure: error, ...chain }
}

function noteCut({ domainId, seq }: CutContext): void {
  note(
    `note: --context: the page has no room for the details of all listed rows; from row ${seq} of chain ${domainId} on it has none, and says so. Choose fewer rows for one page`,
  )
}

function noteLeftOut(chains: readonly ChainReport[]): void {
  const leftOut = chains.reduce((sum, { tally }) => sum + (tally?.leftOut ?? 0), 0)
  if (leftOut > 0)
    note(
      `left out: ${leftOut} ${leftOut === 1 ? 'row' : 'rows'} that cannot be read; this may belong to the selection, and the findings name it`,
    )
}

function nothingRead(): AuditError {
  return new AuditError('nothing_to_verify', 'no chain could be read, so there is nothing to report')
}

async function reportData(
  options: ReportOptions,
  chains: readonly ChainReport[],
  { doubts, others }: ReportWatcher,
  { cut }: Pick<Contexts, 'cut'>,
  context: Context,
): Promise<ReportData> {
  const { copy, filterWords, hasContext, tool } = options
  return {
    tool,
    madeAt: madeNow(),
    copy: await copyText(copy, context),
    source: copy.source,
    chains,
    doubts,
    others,
    filter: filterWords,
    hasContext,
    contextCut: cut,
    isInBundle: false,
    commands: options.isRemoved === true ? [] : checkCommands(copy, chains),
  }
}

/** What was verified, and how many rows the page lists. */
interface Reported {
  readonly chains: readonly ChainReport[]
  readonly names: ShownNames
  readonly listed: number
}

async function print(
  { check, json, output }: ReportOptions,
  { chains, names, listed }: Reported,
  { sha256, bytes }: WrittenPage,
  out: Output,
): Promise<void> {
  const rows = chains.reduce((sum, { tally }) => sum + (tally?.rows ?? 0), 0)
  const verdicts = chains.flatMap(({ verdict }) => (verdict === undefined ? [] : [verdict]))
  if (json) {
    const report = { file: output, sha256, bytes, rows, listed }
    const results = verdicts.map((verdict) => withName(resultOf(verdict), names))
    await out.json({ report, results })
    return
  }
  const file = 'path' in check ? check.path : undefined
  for (const verdict of verdicts) {
    const concluded = concludedAlone(verdict)
    await out.line(verdictText(verdict, { style: out.style, file, names, concluded }))
  }
  await out.line(safe`report    ${output}  ${rows} rows selected, ${listed} listed`)
  await out.line(`          sha256 ${sha256}  ${bytes} bytes`)
}

/** A run that has seen no signature says nothing of it, as `verify` does not. */
function resultOf(verdict: Verdict): FullVerifyResult {
  const isShown = hasSeen(verdict.signatures)
  return fullVerifyResult(verdict, isShown ? concludedAlone(verdict).conclusion : undefined)
}
