import type { Exported } from '../../bundle/export-chain.js'
import { filterJson } from '../../bundle/manifest-selection.js'
import type { Selection } from '../../bundle/selection.js'
import { indented, packed } from '../output/fit-lines.js'
import { safe } from '../output/safe-text.js'
import { PLAIN, type Style } from '../output/style.js'
import { type FoundIn, findingsLines } from '../verify/finding-text.js'

export function exportText(
  path: string,
  { manifest, selection, written, findings }: Exported,
  from: Omit<FoundIn, 'domainId'>,
  style: Style = PLAIN,
): string {
  const { domain_id, rows, head } = manifest
  const isIntact = findings.length === 0
  const tone = isIntact ? undefined : 'bad'
  const verdict = style.paint(tone, style.mark(tone) + (isIntact ? 'exported' : 'DIVERGED'))
  const what = `${rows} rows, ${selectionText(selection)}${safe`, to ${path}`}`
  const [first = '', ...rest] = packed([verdict, domain_id, what], style, INDENT)
  const lines = [
    first,
    ...rest.flatMap((line) => indented(line.trimStart(), style, INDENT)),
    ...packed([placed(`sha256 ${written.sha256}`, style), `${written.bytes} bytes`], style, INDENT),
  ]
  if (head !== undefined) lines.push(placed(`head ${head.seq}:${head.hash}`, style))
  if (findings.length > 0) lines.push(...indented(DIVERGES, style, 2))
  return [...lines, ...findingsLines(findings, { ...from, domainId: domain_id }, style)].join('\n')
}

/** Lines below the first one begin here. */
const INDENT = 10

const DIVERGES =
  'the chain diverges; the bundle holds its rows as they are stored, and what can be read of a row that has no canonical bytes'

/** A hash can be copied as it is: it is not broken, and has a smaller indent where it has no room. */
function placed(text: string, { columns = Number.POSITIVE_INFINITY }: Style): string {
  return `${' '.repeat(INDENT + text.length <= columns ? INDENT : 2)}${text}`
}

/** Returns the selection of a bundle in words. */
export function selectionText({ kind, fromSeq, toSeq, filter }: Selection): string {
  if (kind === 'chain') return 'the whole chain'
  if (kind === 'range') return `the range ${fromSeq} to ${toSeq}`
  const wanted = Object.entries(filterJson(filter)).map(([name, value]) => safe`${name} = ${String(value)}`)
  return `FILTERED from rows ${fromSeq} to ${toSeq} (${wanted.join(', ')})`
}
