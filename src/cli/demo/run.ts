import { mkdtemp, readdir, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Writable } from 'node:stream'
import { pathToFileURL } from 'node:url'
import { v7 as uuidv7 } from 'uuid'
import { appendStream } from '../../append/append-stream.js'
import { fileCandidates } from '../../append/input/candidates.js'
import { AuditError } from '../../base/errors.js'
import type { Finding, FindingCode } from '../../chain/finding.js'
import { createDomainOn, openSink } from '../../compose/append.js'
import { Context } from '../../compose/context.js'
import { makeHostileEdit, rehashHostilely } from '../../compose/demo.js'
import { openHeads } from '../../compose/read/heads.js'
import { openSource } from '../../compose/verify.js'
import { type EvidentFinding, evidentFinding } from '../../json/finding-evidence.js'
import type { CopyName } from '../../ports/verify.js'
import type { Verdict } from '../../verify/verdict.js'
import { verifyChain } from '../../verify/verify-chain.js'
import { runArchiver } from '../archive/archiver.js'
import { stopOwnDatabase } from '../database/admin.js'
import { Output } from '../output/output.js'
import { RunJudge } from '../verify/signed/judge.js'
import { verdictText } from '../verify/text.js'
import { openCommand, reportOnForgery } from './report.js'

/**
 * Runs the main job in a temporary home: appends and archives real events, verifies both copies, edits one row as a
 * hostile administrator would, finds the edit and the copy that holds it, and makes a report. Then hashes the chain anew from that
 * row on, and finds that too, because the head was signed. Rejects with `internal` if a step fails. `tool`: name and version of this program.
 */
export async function runDemo(
  root: string,
  { json, tool }: { readonly json: boolean; readonly tool: string },
  out: Output,
  signal: AbortSignal,
): Promise<void> {
  const home = await mkdtemp(join(tmpdir(), 'audit-demo-'))
  const context = new Context({ home }, signal, { mayCreateHome: true })
  try {
    const found = await new Demo(context, tool, json ? nowhere() : out, signal).run(
      join(root, 'docs', 'demo', 'cloudtrail'),
    )
    if (json) await out.json(found)
  } finally {
    await context.close()
    await stopOwnDatabase(context)
    await rm(home, { recursive: true, force: true })
  }
}

/** What the demo found, as `--json` prints it. */
interface Found {
  readonly domain_id: string
  readonly rows: number
  /** What the edit of one row causes. */
  readonly findings: readonly EvidentFinding[]
  /** What the new hashes cause. */
  readonly rewritten: readonly EvidentFinding[]
  /** The path of the report. */
  readonly report: string
}

/** With `--json` the steps are not printed. */
function nowhere(): Output {
  return new Output(new Writable({ write: (_chunk, _encoding, done) => done() }))
}

const ARCHIVE_ONCE = { once: true, initMirror: false, pollInterval: 1000, concurrency: 64, json: false }

class Demo {
  readonly #domainId = uuidv7()
  readonly #context: Context
  readonly #tool: string
  readonly #out: Output
  readonly #signal: AbortSignal

  constructor(context: Context, tool: string, out: Output, signal: AbortSignal) {
    this.#context = context
    this.#tool = tool
    this.#out = out
    this.#signal = signal
  }

  async run(events: string): Promise<Found> {
    await this.#say('1. A Domain, and with it a chain of its own.')
    await createDomainOn(this.#context, { domainId: this.#domainId, name: 'demo' })
    await this.#show(`created Domain ${this.#domainId}`)

    await this.#say('2. Real events: the CloudTrail log of a simulated attack on an AWS account.')
    const rows = await this.#append(events)
    await this.#show(`appended ${rows} events`)

    await this.#say('3. Every row goes to the mirror, here a directory; S3 is the same.')
    await runArchiver(ARCHIVE_ONCE, this.#context, this.#out, this.#signal)

    await this.#say('4. Both copies are recomputed, row by row, and compared.')
    const before = await this.#verify('both')
    expect(before.ok && before.unarchived === 0, 'the honest chain did not verify')
    expect(before.signatures?.through !== undefined, 'the honest chain was not signed')

    await this.#say('5. A hostile administrator switches the triggers off and turns a denial into a grant.')
    const { seq, statement } = await makeHostileEdit(this.#context, this.#domainId)
    await this.#show(statement)

    await this.#say('6. PostgreSQL is recomputed again: "audit verify" ends with exit code 1 here.')
    const after = await this.#verify('postgres')
    expect(isExactly(after.findings, seq, ['entry_hash_mismatch']), 'expected exactly the edit to be found')

    await this.#say('7. Which copy was touched? Both, side by side: the mirror still chains.')
    const both = await this.#verify('both')
    expect(
      isExactly(both.findings, seq, ['entry_hash_mismatch', 'copies_differ']),
      'the verifier did not say which copy was edited',
    )

    await this.#say(
      `8. Found: row ${seq} of PostgreSQL, and nothing else. All of it is in a report that anybody can open.`,
    )
    const report = await reportOnForgery(this.#domainId, this.#tool, this.#context, nowhere(), this.#signal)
    await this.#show(pathToFileURL(report).href)

    const rewritten = await this.#rewriteSuffix(seq)
    // The commands of the findings need the home, which is removed now.
    await this.#say('The log of this demo is removed now, and the report stays. To open the report:')
    await this.#show(openCommand(report))
    const attacks = { findings: both.findings.map(evidentFinding), rewritten: rewritten.map(evidentFinding) }
    return { domain_id: this.#domainId, rows, ...attacks, report }
  }

  /** The second attack: no row contradicts another one any more, so that only what was signed before can show it. */
  async #rewriteSuffix(seq: number): Promise<readonly Finding[]> {
    await this.#say(
      `9. The administrator learns: every hash from row ${seq} on is computed anew, the head too.`,
    )
    const { statement } = await rehashHostilely(this.#context, this.#domainId, seq)
    await this.#show(statement)

    await this.#say(
      '10. PostgreSQL chains again. But the archiver had signed the rows, and nobody had to keep a pin.',
    )
    const after = await this.#verify('postgres')
    expect(
      after.findings.map(({ code }) => code).join() === 'checkpoint_mismatch',
      'expected the signed head to contradict the rewritten rows, and nothing else',
    )

    await this.#say(
      '11. Which copy was touched? Both, side by side: the mirror has the rows that were signed.',
    )
    const both = await this.#verify('both')
    expect(
      both.findings.some(({ code }) => code === 'checkpoint_mismatch') &&
        both.findings.every(({ seqFrom }) => seqFrom === seq || seqFrom === 1),
      'the verifier did not say where the copies part',
    )
    return both.findings
  }

  async #append(folder: string): Promise<number> {
    const files = (await readdir(folder)).filter((name) => name.endsWith('.json.gz')).sort()
    const candidates = fileCandidates(
      files.map((name) => join(folder, name)),
      'cloudtrail',
    )
    const sink = await openSink(this.#context, { defaults: { domainIds: [this.#domainId] } })
    let appended = 0
    for await (const outcomes of appendStream(sink, candidates, 'stop', this.#signal)) {
      for (const outcome of outcomes) if ('refused' in outcome) throw outcome.refused
      appended += outcomes.length
    }
    return appended
  }

  async #verify(name: CopyName): Promise<Verdict> {
    const domainId = this.#domainId
    const judge = await RunJudge.open(this.#context, {})
    const reader = await openHeads(this.#context, name, domainId, this.#signal)
    const signed = await reader.of(domainId, this.#signal)
    const source = await openSource(this.#context, name, domainId, { signal: this.#signal })
    const request = { domainId, fromSeq: 1, pins: [], signed }
    const verdict = await verifyChain(source, request, () => undefined, this.#signal)
    const form = { style: this.#out.style, isRemoved: true, concluded: judge.conclude(verdict) }
    for (const line of verdictText(verdict, form).split('\n')) await this.#show(line)
    return verdict
  }

  async #say(text: string): Promise<void> {
    await this.#out.line(`\n${text}`)
  }

  async #show(text: string): Promise<void> {
    await this.#out.line(`   ${text}`)
  }
}

function isExactly(findings: readonly Finding[], seq: number, codes: readonly FindingCode[]): boolean {
  const isHere = findings.every(({ seqFrom, seqTo }) => seqFrom === seq && seqTo === seq)
  return isHere && findings.map(({ code }) => code).join() === codes.join()
}

function expect(condition: boolean, otherwise: string): void {
  if (!condition) throw new AuditError('internal', `the demo failed: ${otherwise}`)
}
