import { readFile } from 'node:fs/promises'
import { AuditError, errnoOf } from '../../base/errors.js'
import type { Context } from '../../compose/context.js'
import type { ProvenName } from '../../compose/read/proven-name.js'
import type { SourceName } from '../../ports/verify.js'
import type { NamedDomain } from '../../query/choose-domain.js'
import { flagValue } from './flag-value.js'

/** The copy that a command reads. */
interface CopyInHand {
  readonly source: SourceName
  /** The evidence file that the command reads. */
  readonly path?: string | undefined
}

/** The names of the file of `--names`. The operator vouches for them, unless rows of the copy in hand prove another name. */
export class FileNames {
  readonly #file: string
  readonly #from: CopyInHand
  readonly #context: () => Promise<Context>
  #all: Promise<readonly NamedDomain[]> | undefined
  #recorded: Promise<readonly NamedDomain[]> | undefined
  readonly #judged = new Map<string, Promise<NamedDomain>>()

  constructor(file: string, from: CopyInHand, context: () => Promise<Context>) {
    this.#file = file
    this.#from = from
    this.#context = context
  }

  /** Returns the Domains of the file. */
  all(): Promise<readonly NamedDomain[]> {
    this.#all ??= namesInFile(this.#file)
    return this.#all
  }

  /** Returns these of the Domains of the file, with a doubt about each name that the copy contradicts. */
  async judged(domainIds: readonly string[] | 'all'): Promise<readonly NamedDomain[]> {
    const judged: NamedDomain[] = []
    for (const domain of await this.all()) {
      const isWanted = domainIds === 'all' || domainIds.includes(domain.domainId)
      if (isWanted) judged.push(await this.#judge(domain))
    }
    return judged
  }

  #judge(domain: NamedDomain): Promise<NamedDomain> {
    const judged = this.#judged.get(domain.domainId) ?? this.#compared(domain)
    this.#judged.set(domain.domainId, judged)
    return judged
  }

  async #compared(domain: NamedDomain): Promise<NamedDomain> {
    const { domainId, names } = domain
    const [name] = names
    if (name === undefined) return domain
    const genesis = await this.#inGenesis(domainId)
    if (genesis?.name === name) return domain
    const proven = (await this.#inRecords(domainId)) ?? genesis
    if (proven === undefined || proven.name === name) return domain
    return { ...domain, doubt: contradicted(this.#file, domainId, name, proven) }
  }

  /** What cannot be read proves nothing. */
  async #inGenesis(domainId: string): Promise<ProvenName | undefined> {
    const { nameInGenesis } = await import('../../compose/read/proven-name.js')
    return this.#context()
      .then((context) => nameInGenesis(context, this.#from, domainId))
      .catch(() => undefined)
  }

  async #inRecords(domainId: string): Promise<ProvenName | undefined> {
    const { source } = this.#from
    if (source === 'bundle') return undefined
    this.#recorded ??= this.#readRecords(source).catch(() => [])
    const domains = await this.#recorded
    const known = domains.find((domain) => domain.domainId === domainId)
    const [name] = known?.names ?? []
    if (name === undefined || known?.doubt !== undefined) return undefined
    return { name, by: 'the rows that name it say' }
  }

  async #readRecords(source: Exclude<SourceName, 'bundle'>): Promise<readonly NamedDomain[]> {
    const { namesBeside } = await import('../../compose/read/names.js')
    return namesBeside(await this.#context(), source, 'all')
  }
}

function contradicted(
  file: string,
  domainId: string,
  name: string,
  { name: proven, by }: ProvenName,
): AuditError {
  return new AuditError(
    'chain_conflict',
    `--names ${file} calls Domain ${domainId} "${cut(name)}", and ${by} "${cut(proven)}"`,
    { hint: 'correct the file, or give the id' },
  )
}

/** The characters of a name in a message. */
const MOST = 80

function cut(name: string): string {
  return name.length <= MOST ? name : `${name.slice(0, MOST - 2)}..`
}

async function namesInFile(path: string): Promise<readonly NamedDomain[]> {
  const { parseNames } = await import('./names-file.js')
  const text = await readFile(path, 'utf8').catch((cause: unknown) => {
    throw new AuditError('file_unreadable', `--names ${path}: cannot be read (${errnoOf(cause)})`, { cause })
  })
  return flagValue('--names', () => parseNames(text))
}
