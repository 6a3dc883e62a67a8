import { readFile } from 'node:fs/promises'
import * as Flags from '@oclif/core/flags'
import { AuditError, errnoOf } from '../../base/errors.js'
import { isUuid, PLATFORM_ANCHOR } from '../../chain/uuid.js'
import type { Context } from '../../compose/context.js'
import type { SourceName } from '../../ports/verify.js'
import type { NamedDomain, ShownNames } from '../../query/choose-domain.js'
import { safe } from '../output/safe-text.js'
import { note } from '../output/streams.js'
import type { ChainNames } from './chain-names.js'
import { flagValue } from './flag-value.js'

/** The flag of commands whose `--domain` takes a name. A command that writes does not have it, and takes whole ids alone. */
export const namesFlags = {
  names: Flags.string({
    helpGroup: 'CHAIN',
    helpValue: 'FILE',
    summary: 'names of Domains, for --domain and beside ids: lines of domain list --json, or lines UUID NAME',
  }),
}

/** Where the names of Domains come from. */
export interface NamesFrom {
  readonly source: SourceName
  /** The evidence file that the command reads. */
  readonly path?: string | undefined
  /** The file of `--names`. */
  readonly file?: string | undefined
}

/** Names and ids of Domains, read on first use. */
export class DomainNames implements ChainNames {
  readonly #from: NamesFrom
  readonly #context: () => Promise<Context>
  #all: Promise<readonly NamedDomain[]> | undefined
  #beside: Promise<readonly NamedDomain[]> | undefined

  constructor(from: NamesFrom, context: () => Promise<Context>) {
    this.#from = from
    this.#context = context
  }

  /** Returns the Domain that a text names. Throws as `chooseDomain` does, and the errors of what cannot be read. */
  async choose(text: string): Promise<NamedDomain> {
    const { chooseDomain, isIdPrefix, withIdsOf } = await import('../../query/choose-domain.js')
    const isPrefix = isIdPrefix(text)
    const domains = await this.#domains(isPrefix)
    const isNamed = domains.some(({ names }) => names.includes(text))
    const all = isPrefix && !isNamed ? withIdsOf(domains, await this.#storedIds()) : domains
    const chosen = flagValue('--domain', () => chooseDomain(text, all))
    if (isNamed) await this.#assertConfirmed(chosen)
    return chosen
  }

  /**
   * Returns the names to print beside the ids of these chains. They decide nothing: where they cannot be read there are none.
   * A file of `--names` was chosen by the operator, and its errors are thrown. One read serves a whole run.
   */
  async shown(domainIds: readonly string[] | 'all'): Promise<ShownNames> {
    const { NO_NAMES, shownNames } = await import('../../query/choose-domain.js')
    const { source, file } = this.#from
    if (file !== undefined) return shownNames(await this.#domains(false))
    if (source === 'bundle' || isPlatformAlone(domainIds)) return NO_NAMES
    const chosen = source === 'mirror' ? this.#all : undefined
    this.#beside ??= chosen ?? this.#readBeside(source, domainIds)
    return this.#beside.then(shownNames, () => NO_NAMES)
  }

  async #readBeside(
    source: Exclude<SourceName, 'bundle'>,
    domainIds: readonly string[] | 'all',
  ): Promise<readonly NamedDomain[]> {
    const { namesBeside } = await import('../../compose/read/names.js')
    return namesBeside(await this.#context(), source, domainIds)
  }

  /** Throws where a row of PostgreSQL that names the Domain is damaged. */
  async #assertConfirmed({ domainId }: NamedDomain): Promise<void> {
    const { source, file } = this.#from
    if (file !== undefined || source === 'mirror' || source === 'bundle') return
    const { assertConfirmed } = await import('../../compose/read/names.js')
    await assertConfirmed(await this.#context(), domainId)
  }

  /** An evidence file holds no names, and the beginning of an id needs none. */
  async #domains(isPrefix: boolean): Promise<readonly NamedDomain[]> {
    const { source, file } = this.#from
    if (source === 'bundle' && file === undefined) {
      if (isPrefix) return []
      throw unnamed('an evidence file holds no names; give --names FILE')
    }
    this.#all ??= file === undefined ? this.#readAll() : namesInFile(file)
    return this.#all
  }

  async #readAll(): Promise<readonly NamedDomain[]> {
    const { namesOfMirror, namesOfRegistry } = await import('../../compose/read/names.js')
    const context = await this.#context()
    if (this.#from.source === 'mirror') return (await namesOfMirror(context, context.signal)) ?? []
    return namesOfRegistry(context).catch((error: unknown) => {
      throw isNoDatabase(error) ? unnamed('there is no database that knows names') : error
    })
  }

  async #storedIds(): Promise<readonly string[]> {
    const { storedIds } = await import('../../compose/read/names.js')
    return storedIds(await this.#context(), this.#from).catch((error: unknown) => {
      // The file of --names is read without a database too.
      if (isNoDatabase(error)) return []
      throw error
    })
  }
}

/**
 * Returns the value of `--domain` with each name in it replaced by the id of its Domain. A text that has the form of a UUID is
 * always an id, and an empty text stays. `isSilent`: whether the choice is not noted.
 */
export async function withIds(domain: unknown, names: DomainNames, isSilent: boolean): Promise<unknown> {
  const texts = [domain ?? []].flat().filter((text) => typeof text === 'string')
  const ids: string[] = []
  for (const text of texts) {
    if (text === '' || isUuid(text)) ids.push(text)
    else {
      const chosen = await names.choose(text)
      if (!isSilent) note(chosenText(text, chosen))
      ids.push(chosen.domainId)
    }
  }
  return Array.isArray(domain) ? ids : ids[0]
}

function isPlatformAlone(domainIds: readonly string[] | 'all'): boolean {
  return domainIds !== 'all' && domainIds.every((domainId) => domainId === PLATFORM_ANCHOR)
}

function chosenText(text: string, { domainId, names: [name], doubt }: NamedDomain): string {
  if (domainId === PLATFORM_ANCHOR) return safe`--domain ${text} is the platform chain`
  const isNamed = name !== undefined && name !== text && doubt === undefined
  return isNamed
    ? safe`--domain ${text} is Domain ${domainId}, ${name}`
    : safe`--domain ${text} is Domain ${domainId}`
}

function isNoDatabase(error: unknown): boolean {
  return error instanceof AuditError && error.code === 'database_not_configured'
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
