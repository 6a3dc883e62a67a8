import type { Exported } from '../../bundle/export-chain.js'
import { filterJson } from '../../bundle/manifest-selection.js'
import type { Selection } from '../../bundle/selection.js'
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
  const lines = [
    verdict + safe`  ${domain_id}  ${rows} rows, ${selectionText(selection)}, to ${path}`,
    `          sha256 ${written.sha256}  ${written.bytes} bytes`,
  ]
  if (head !== undefined) lines.push(`          head ${head.seq}:${head.hash}`)
  if (findings.length > 0)
    lines.push(
      '  the chain diverges; the bundle holds its rows as they are stored, and what can be read of a row that has no canonical bytes',
    )
  return [...lines, ...findingsLines(findings, { ...from, domainId: domain_id }, style)].join('\n')
}

/** Returns the selection of a bundle in words. */
export function selectionText({ kind, fromSeq, toSeq, filter }: Selection): string {
  if (kind === 'chain') return 'the whole chain'
  if (kind === 'range') return `the range ${fromSeq} to ${toSeq}`
  const wanted = Object.entries(filterJson(filter)).map(([name, value]) => safe`${name} = ${String(value)}`)
  return `FILTERED from rows ${fromSeq} to ${toSeq} (${wanted.join(', ')})`
}
