import * as Flags from '@oclif/core/flags'
import { AuditError } from '../../base/errors.js'
import { isUuid, PLATFORM_ANCHOR } from '../../chain/uuid.js'
import type { Context } from '../../compose/context.js'
import type { SourceName } from '../../ports/verify.js'
import type { LookedAt, NamedDomain, ShownNames } from '../../query/choose-domain.js'
import { safe } from '../output/safe-text.js'
import { note } from '../output/streams.js'
import type { ChainNames } from './chain-names.js'
import { FileNames } from './file-names.js'
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
  readonly #file: FileNames | undefined
  readonly #noted = new Set<string>()

  constructor(from: NamesFrom, context: () => Promise<Context>) {
    this.#from = from
    this.#context = context
    if (from.file !== undefined) this.#file = new FileNames(from.file, from, context)
  }

  /** Returns the Domain that a text names. Throws as `chooseDomain` does, and the errors of what cannot be read. */
  async choose(text: string): Promise<NamedDomain> {
    const { chooseDomain, isIdPrefix, withIdsOf } = await import('../../query/choose-domain.js')
    const isPrefix = isIdPrefix(text)
    const domains = await this.#domains(isPrefix)
    const isNamed = domains.some(({ names }) => names.includes(text))
    const all = isPrefix && !isNamed ? withIdsOf(domains, await this.#storedIds()) : domains
    const chosen = await this.#choice((looked) => chooseDomain(text, all, looked))
    if (isNamed) await this.#assertConfirmed(chosen)
    return chosen
  }

  /**
   * Returns the names to print beside the ids of these chains. They decide nothing: where they cannot be read there are none.
   * A file of `--names` was chosen by the operator, and its errors are thrown. One read serves a whole run.
   */
  async shown(domainIds: readonly string[] | 'all'): Promise<ShownNames> {
    const { NO_NAMES, shownNames } = await import('../../query/choose-domain.js')
    const { source } = this.#from
    if (this.#file !== undefined) return shownNames(this.#noteDoubts(await this.#file.judged(domainIds)))
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

  /** Notes once why a name of the file of `--names` is not printed. */
  #noteDoubts(domains: readonly NamedDomain[]): readonly NamedDomain[] {
    for (const { domainId, doubt } of domains) {
      if (doubt === undefined || this.#noted.has(domainId)) continue
      this.#noted.add(domainId)
      note(safe`note: ${doubt.message}; the id is printed without a name`)
    }
    return domains
  }

  /** Chooses, and names in an error what was looked at. */
  async #choice(choose: (looked: LookedAt) => NamedDomain): Promise<NamedDomain> {
    const looked = await this.#looked()
    return flagValue('--domain', () => choose(looked))
  }

  async #looked(): Promise<LookedAt> {
    const { source, path, file } = this.#from
    const advice = 'give_id_or_names'
    if (file !== undefined) return { where: `the file ${file} of --names`, advice }
    if (source === 'bundle') return { where: `the file ${path ?? ''}, which holds no names`, advice }
    if (source !== 'mirror') return { advice: 'list_domains' }
    const { chosenMirror } = await import('../../compose/verify.js')
    return {
      where: `the platform chain of the mirror ${(await chosenMirror(await this.#context())).url}`,
      advice,
    }
  }

  /** Throws where a row that names the Domain is damaged, or contradicts the file of `--names`. */
  async #assertConfirmed({ domainId }: NamedDomain): Promise<void> {
    const { source } = this.#from
    const [domain] = (await this.#file?.judged([domainId])) ?? []
    if (domain?.doubt !== undefined) throw domain.doubt
    if (this.#file !== undefined || source === 'mirror' || source === 'bundle') return
    const { assertConfirmed } = await import('../../compose/read/names.js')
    await assertConfirmed(await this.#context(), domainId)
  }

  /** An evidence file holds no names, and the beginning of an id needs none. */
  async #domains(isPrefix: boolean): Promise<readonly NamedDomain[]> {
    if (this.#file !== undefined) return this.#file.all()
    if (this.#from.source === 'bundle') {
      if (isPrefix) return []
      throw unnamed('an evidence file holds no names')
    }
    this.#all ??= this.#readAll()
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
    advice: { code: 'give_id_or_names' },
  })
}
