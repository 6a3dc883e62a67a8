import { type Finding, finding } from '../chain/finding.js'
import { PLATFORM_ANCHOR } from '../chain/uuid.js'
import type { KnownChains } from '../ports/domains.js'
import type { Scan } from '../ports/verify.js'

/** Returns the findings that only show against all other chains. `judged` are the findings of the chain by itself. */
export function judgeRegistry(
  known: KnownChains,
  { domainId, toSeq }: { readonly domainId: string; readonly toSeq?: number | undefined },
  scan: Scan,
  judged: readonly Finding[],
  end: number,
): Finding[] {
  const missing = judgeMissing(known, domainId, scan.fold.rows > 0, toSeq ?? end)
  const isFound = judged.some(({ code }) => code === 'chain_missing')
  const ownerless = domainId === PLATFORM_ANCHOR ? judgeOwnerless(known) : []
  return missing === undefined || isFound ? ownerless : [missing, ...ownerless]
}

/** Rows without a domain_id are on no chain. They are reported with the platform chain. */
function judgeOwnerless({ ownerless }: KnownChains): Finding[] {
  if (ownerless === undefined) return []
  const { rows, fromSeq, toSeq, hash } = ownerless
  const detail = `${rows} rows of the table have no domain_id: they were forced in, or removed from a chain`
  return [finding({ code: 'malformed_row', seqFrom: fromSeq, seqTo: toSeq, detail, rows: hash })]
}

/** Returns a finding for a Domain that the platform chain records and that has no rows or no registry entry. */
function judgeMissing(
  { created, registered }: KnownChains,
  domainId: string,
  hasRows: boolean,
  end: number,
): Finding | undefined {
  const isPlatform = domainId === PLATFORM_ANCHOR
  const isExpected = created.has(domainId) || (isPlatform && registered.size > 0)
  const isRegistered = isPlatform || registered.has(domainId)
  if (!isExpected || (isRegistered && hasRows)) return undefined
  const what = hasRows ? 'it is not in the registry' : 'it has no rows'
  return {
    code: 'chain_missing',
    seqFrom: 1,
    seqTo: Math.max(end, 1),
    detail: `the platform chain knows this Domain, but ${what}`,
    rows: hasRows ? 'not registered' : 'none',
  }
}
