import { readFile } from 'node:fs/promises'
import * as Flags from '@oclif/core/flags'
import { AuditError, errnoOf } from '../../base/errors.js'
import { isUuid } from '../../chain/uuid.js'
import type { Context } from '../../compose/context.js'
import type { NamedDomain } from '../../query/choose-domain.js'
import { safe } from '../output/safe-text.js'
import { note } from '../output/streams.js'
import { flagValue } from './flag-value.js'

/** The flag of commands whose `--domain` takes a name. A command that writes does not have it, and takes whole ids alone. */
export const namesFlags = {
  names: Flags.string({
    helpGroup: 'CHAIN',
    helpValue: 'FILE',
    summary: 'names of Domains for --domain: lines of domain list --json, or lines UUID NAME',
  }),
}

/** What a parsed command says about the Domain that it reads. */
export interface DomainChoice {
  readonly domain?: unknown
  readonly names?: unknown
  readonly source?: unknown
  readonly json?: unknown
}

/**
 * Returns the value of `--domain` with each name in it replaced by the id of its Domain. A text that has the form of a UUID is
 * always an id, and an empty text stays. `hasFile`: whether the command reads an evidence file. With another way to choose a chain a
 * name stays too.
 */
export async function withIds(
  choice: DomainChoice,
  { hasFile, isElsewhere }: { readonly hasFile: boolean; readonly isElsewhere: boolean },
  context: () => Promise<Context>,
): Promise<unknown> {
  const { domain } = choice
  const texts = [domain ?? []].flat().filter((text) => typeof text === 'string')
  if (isElsewhere || texts.every((text) => text === '' || isUuid(text))) return domain
  const source = String(choice.source ?? (hasFile ? 'bundle' : 'postgres'))
  const domains = await domainsOf(source, choice.names, context)
  const { chooseDomain } = await import('../../query/choose-domain.js')
  const ids = texts.map((text) => {
    if (text === '' || isUuid(text)) return text
    const chosen = flagValue('--domain', () => chooseDomain(text, domains))
    if (choice.json !== true) note(chosenText(chosen))
    return chosen.domainId
  })
  return Array.isArray(domain) ? ids : ids[0]
}

function chosenText({ domainId, names: [name], doubt }: NamedDomain): string {
  return name === undefined || doubt !== undefined
    ? `--domain: Domain ${domainId}`
    : safe`--domain: Domain ${domainId}, ${name}`
}

async function domainsOf(
  source: string,
  file: unknown,
  context: () => Promise<Context>,
): Promise<readonly NamedDomain[]> {
  if (typeof file === 'string') return namesInFile(file)
  if (source === 'bundle') throw unnamed('an evidence file holds no names; give --names FILE')
  const { namesOfMirror, namesOfRegistry } = await import('../../compose/read/names.js')
  if (source === 'mirror') return namesOfMirror(await context())
  try {
    return await namesOfRegistry(await context())
  } catch (error) {
    const isNowhere = error instanceof AuditError && error.code === 'database_not_configured'
    if (isNowhere) throw unnamed('there is no database that knows names')
    throw error
  }
}

function unnamed(why: string): AuditError {
  return new AuditError('invalid_domain_id', `--domain: expected a UUID of 36 characters: ${why}`, {
    advice: { code: 'list_domains' },
  })
}

async function namesInFile(path: string): Promise<readonly NamedDomain[]> {
  const { parseNames } = await import('./names-file.js')
  const text = await readFile(path, 'utf8').catch((cause: unknown) => {
    throw new AuditError('file_unreadable', `--names ${path}: cannot be read (${errnoOf(cause)})`, { cause })
  })
  return flagValue('--names', () => parseNames(text))
}
