import type { Finding } from '../../chain/finding.js'
import { wireFinding } from '../../json/finding.js'
import type { SourceName } from '../../ports/verify.js'
import { indented } from '../output/fit-lines.js'
import { safe } from '../output/safe-text.js'
import { PLAIN, type Style } from '../output/style.js'
import { copyHereWords, type ReadCopy, verifyHereWords } from '../shell/verify-words.js'
import { changeLines, contextLines, isBeyondEnd, isOwnChange } from './change-text.js'

/** Findings that a terminal shows. A pipe and JSON get all. */
const MOST_FINDINGS = 20

/** Where findings were made. */
export interface FoundIn {
  readonly domainId: string
  readonly source: SourceName
  readonly mirror?: string | undefined
  /** The path of a bundle. */
  readonly file?: string | undefined
  /** Whether the log is about to be removed, so that no command can read it. Default: false. */
  readonly isRemoved?: boolean | undefined
}

/**
 * Returns the first findings as text, each with what was changed, the rows around it and the commands that show more. Of
 * several findings about one row, the first shows it.
 */
export function findingsLines(findings: readonly Finding[], found: FoundIn, style: Style = PLAIN): string[] {
  const shown = new Set<number>()
  const most = style.isTerminal ? MOST_FINDINGS : findings.length
  const lines = findings.slice(0, most).flatMap((finding) => {
    const seqs = seqsOf(finding)
    const isNew = seqs.some((seq) => !shown.has(seq))
    for (const seq of seqs) shown.add(seq)
    const evidence = isNew
      ? [
          ...changeLines(finding, style),
          ...contextLines(finding, found.source === 'both', style),
          ...nextLines(finding, found),
        ]
      : []
    return [...findingLines(finding, style), ...evidence]
  })
  const more = findings.length - most
  return [
    ...lines,
    ...(more > 0 ? [`  … ${more.toLocaleString('en-US')} more: --json`] : []),
    ...unknownLines(findings, found, style),
  ]
}

/** Returns one finding as text. A detail may quote the name of an object, which is untrusted. */
function findingLines(finding: Finding, style: Style = PLAIN): string[] {
  const { code, seq_from, seq_to, expected, observed, detail } = wireFinding(finding)
  const place = seq_from === seq_to ? `row ${seq_from}` : `rows ${seq_from} to ${seq_to}`
  const { said, last } = finding.signedIn === undefined ? { said: detail } : signedParts(detail)
  return [
    ...firstLines(code, safe`${place}: ${said}`, style),
    ...(expected === undefined ? [] : indented(`expected  ${expected}${signedText(finding)}`, style, 4)),
    ...(observed === undefined ? [] : [`    observed  ${observed}`]),
    ...(last === undefined ? [] : indented(last, style, 4)),
  ]
}

const SIGNED_ROWS_DIFFER = 'docs/runbook.md#signed-rows-differ'

/** Returns what a detail says of the rows, and a last line with the copy that has the signed rows and the page about it. */
function signedParts(detail: string): { readonly said: string; readonly last: string } {
  const [, said = detail, copy] =
    /^(.*); ((?:the mirror|PostgreSQL) has the signed rows, .*)$/.exec(detail) ?? []
  return { said, last: copy === undefined ? `see ${SIGNED_ROWS_DIFFER}` : `${copy}: ${SIGNED_ROWS_DIFFER}` }
}

/** Says what the expected hash of a signed head is, and where the head was read. */
function signedText({ signedIn, isRoot, seqTo }: Finding): string {
  if (signedIn === undefined) return ''
  const what = isRoot === true ? `root of rows 1 to ${seqTo}` : `entry_hash of row ${seqTo}`
  return safe`   ${what} as signed in ${signedIn}`
}

function firstLines(code: string, text: string, style: Style): string[] {
  const [first = '', ...rest] = indented(`${code}  ${text}`, style, 4)
  return [`  ${style.paint('bad', code)}${first.slice(4 + code.length)}`, ...rest]
}

/** Returns the rows that the text of a finding shows. */
function seqsOf({ changes = [], context = [], seqFrom, seqTo }: Finding): number[] {
  const inside = context.map(({ seq }) => seq).filter((seq) => seqFrom <= seq && seq <= seqTo)
  const seqs = [...changes.map(({ seq }) => seq), ...inside]
  return seqs.length > 0 ? seqs : context.length > 0 ? [seqFrom] : []
}

/** Returns the commands that show the row and the rows around it. */
function nextLines(finding: Finding, found: FoundIn): string[] {
  if (found.isRemoved === true) return []
  const { changes = [], seqFrom } = finding
  const [seq = seqFrom] = changes.map((change) => change.seq)
  const copy = copyHereWords(shownIn(finding, found))
  const get = hasRow(finding, seq) ? [`audit get ${seq} ${copy}`] : []
  const rows = isBeyondEnd(finding) ? '--last 5' : `--around ${seq}`
  return [...get, `audit list ${rows} ${copy}`].map(
    (line, i) => safe`    ${i === 0 ? 'next: ' : '      '}${line}`,
  )
}

/** Returns the copy that the commands read. Of two copies, the one that holds the original. */
function shownIn({ original, code }: Finding, { source, domainId: chain, mirror, file }: FoundIn): ReadCopy {
  const given = { url: mirror }
  if (source !== 'both') return { source, chain, file, given }
  const isMirror = mirror !== undefined && (original === 'mirror' || code === 'row_missing')
  return { source: isMirror ? 'mirror' : 'postgres', chain, given }
}

/** Returns whether a copy in hand has the row. */
function hasRow({ changes = [], context = [] }: Finding, seq: number): boolean {
  return changes.length > 0 || context.some((row) => row.seq === seq)
}

/** Codes of findings that say that a row is not as it was, or is lost. */
const OF_ROWS: ReadonlySet<string> = new Set([
  'entry_hash_mismatch',
  'broken_link',
  'malformed_row',
  'object_malformed',
  'duplicate_seq',
  'seq_gap',
])

const ALONE = {
  postgres: ['PostgreSQL', 'the mirror can show it'],
  mirror: ['the mirror', 'PostgreSQL can show it'],
  bundle: ['this file', 'PostgreSQL and the mirror can show it'],
} as const

/** Where one copy is in hand, says that it cannot show the original, and how a comparison could. */
function unknownLines(findings: readonly Finding[], found: FoundIn, style: Style): string[] {
  const { domainId, source, mirror, isRemoved = false } = found
  const first = findings.find(({ code, changes = [] }) => OF_ROWS.has(code) && !isOwnChange(changes))
  if (source === 'both' || first === undefined) return []
  const [copy, other] = ALONE[source]
  return [
    ...indented(`what the row held before cannot be known from ${copy} alone; ${other}`, style, 2),
    ...(first.context === undefined ? nextLines(first, found) : []),
    ...(isRemoved ? [] : [withBoth({ source: 'both', chain: domainId, given: { url: mirror } })]),
  ]
}

function withBoth(copy: ReadCopy): string {
  return safe`    with both copies: ${verifyHereWords(copy)}`
}
