import { AuditError } from '../../base/errors.js'
import { isUuid, NIL_UUID } from '../../chain/uuid.js'
import type { NamedDomain } from '../../query/choose-domain.js'

/**
 * Parses a file of names: lines of `audit domain list --json`, or lines of a UUID, a space and a name. Blank lines are
 * ignored. Throws `invalid_input` naming the line, also where an id is on two lines; no message repeats a text.
 */
export function parseNames(text: string): NamedDomain[] {
  const lines = text.replace(/^\ufeff/, '').split(/\r?\n/)
  const lineOf = new Map<string, number>()
  return lines.flatMap((line, index) => {
    if (line.trim() === '') return []
    const { domainId, name } = (line.trimStart().startsWith('{') ? fromJson(line) : fromWords(line)) ?? {}
    if (domainId === undefined || !isUuid(domainId) || domainId === NIL_UUID)
      throw new AuditError(
        'invalid_input',
        `line ${index + 1}: expected a line of audit domain list --json, or a UUID and a name`,
      )
    const id = domainId.toLowerCase()
    const before = lineOf.get(id)
    if (before !== undefined)
      throw new AuditError(
        'invalid_input',
        `lines ${before} and ${index + 1}: expected one line a Domain, got the same id twice`,
      )
    lineOf.set(id, index + 1)
    return [{ domainId: id, names: name === undefined || name === '' ? [] : [name] }]
  })
}

type Line = { readonly domainId: string; readonly name?: string | undefined } | undefined

function fromWords(line: string): Line {
  const [, domainId = '', name] = /^\s*(\S+)\s+(.*\S)\s*$/.exec(line) ?? []
  return { domainId, name }
}

function fromJson(line: string): Line {
  const value = parsed(line)
  if (typeof value !== 'object' || value === null || !('domain_id' in value)) return undefined
  const { domain_id: domainId } = value
  const name = 'name' in value ? value.name : undefined
  if (typeof domainId !== 'string' || (name !== undefined && typeof name !== 'string')) return undefined
  return { domainId, name }
}

function parsed(line: string): unknown {
  try {
    return JSON.parse(line)
  } catch {
    return undefined
  }
}
