import { AuditError } from '../base/errors.js'
import type { MirrorMap } from '../base/mirror-locations.js'
import { domainIdProblem, NIL_UUID, PLATFORM_ANCHOR } from '../chain/uuid.js'
import { parseMirrorUrl } from './mirror-url.js'

/** Stands for the id of the Domain in a URL. */
const DOMAIN_ID = '{domain_id}'

/** The Domain of the line for every Domain without a line of its own. */
const OTHERS = '*'

/**
 * Parses the lines `DOMAIN URL` of a map. Skips blank lines and lines that begin with `#`. Throws `invalid_input`, with
 * the number of the line, for any other line and for a second line of one Domain.
 */
export function parseMirrorMap(bytes: Uint8Array): MirrorMap {
  const lines = new Map<string, string>()
  for (const [index, text] of decoded(bytes).split('\n').entries()) {
    const line = text.trim()
    if (line === '' || line.startsWith('#')) continue
    try {
      const [domainId, url] = parseLine(line)
      if (lines.has(domainId)) throw invalid(`${domainId} has a line already`)
      lines.set(domainId, url)
    } catch (error) {
      if (!(error instanceof AuditError)) throw error
      throw invalid(`line ${index + 1}: ${error.message}`)
    }
  }
  const others = lines.get(OTHERS)
  lines.delete(OTHERS)
  const filled = new Map([...lines].map(([domainId, url]) => [domainId, filledIn(url, domainId)]))
  return { lines: filled, others: others === undefined ? undefined : (id) => filledIn(others, id) }
}

function decoded(bytes: Uint8Array): string {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes)
  } catch {
    throw invalid('expected text in UTF-8')
  }
}

/** Returns the id in lower case, or `*`, and the URL as it is written. */
function parseLine(line: string): [domainId: string, url: string] {
  const [domain = '', url = '', ...rest] = line.split(/\s+/)
  if (url === '' || rest.length > 0) throw invalid('expected DOMAIN URL')
  const domainId = domain.toLowerCase()
  if (domainId !== OTHERS) assertDomain(domainId)
  assertUrl(url, domainId === OTHERS ? NIL_UUID : domainId)
  return [domainId, url]
}

function assertDomain(domainId: string): void {
  const problem = domainIdProblem(domainId)
  if (problem !== undefined) throw invalid(`the Domain: ${problem}, or *`)
  if (domainId === PLATFORM_ANCHOR)
    throw invalid('the platform chain has no line: it is in the default mirror')
}

/** Braces that are no placeholder are refused: a mistyped placeholder would be one mirror for every Domain. */
function assertUrl(url: string, domainId: string): void {
  const filled = filledIn(url, domainId)
  if (/[{}]/.test(filled)) throw invalid(`mirror URL: ${DOMAIN_ID} is the only placeholder`)
  parseMirrorUrl(filled)
}

function filledIn(url: string, domainId: string): string {
  return url.replaceAll(DOMAIN_ID, domainId)
}

function invalid(problem: string): AuditError {
  return new AuditError('invalid_input', problem)
}
