import type { Exported } from '../../bundle/export-chain.js'
import type { Selection } from '../../bundle/manifest.js'
import { safe } from '../output/safe-text.js'
import { findingLines } from '../verify/text.js'

export function exportText(path: string, { manifest, written, findings }: Exported): string {
  const { domain_id, selection, rows, head } = manifest
  const verdict = findings.length === 0 ? 'exported' : 'DIVERGED'
  const lines = [
    safe`${verdict}  ${domain_id}  ${rows} rows, ${selectionText(selection)}, to ${path}`,
    `          sha256 ${written.sha256}  ${written.bytes} bytes`,
  ]
  if (head !== undefined) lines.push(`          head ${head.seq}:${head.hash}`)
  if (findings.length > 0)
    lines.push('  the chain diverges; the bundle holds its rows unchanged, damage included')
  return [...lines, ...findings.flatMap(findingLines)].join('\n')
}

/** Returns the selection of a bundle in words. */
export function selectionText({ kind, from_seq, to_seq, filter }: Selection): string {
  if (kind === 'chain') return 'the whole chain'
  if (kind === 'range') return `the range ${from_seq} to ${to_seq}`
  const wanted = Object.entries(filter).map(([name, value]) => safe`${name} = ${String(value)}`)
  return `FILTERED from rows ${from_seq} to ${to_seq} (${wanted.join(', ')})`
}
