import { setImmediate } from 'node:timers/promises'
import { AuditError } from '../base/errors.js'
import { genesisPseudonym } from '../base/genesis-pepper.js'
import { nodePseudonym } from '../base/node-hasher.js'
import { encodeUnplaced } from '../chain/canonical.js'
import { sortCaveats } from '../chain/entry.js'
import { FormatError } from '../chain/format-error.js'
import { isUuid, PLATFORM_ANCHOR } from '../chain/uuid.js'
import type { AppendItem, ChainStart, DomainResolver, NewRow, SubjectPii } from '../ports/append.js'
import type { Pepper } from '../ports/pepper.js'
import { contentFingerprint } from './fingerprint.js'
import { genesisRow } from './genesis.js'
import type { InputEntry } from './input/input-line.js'
import { personalDataProblem } from './personal/personal-data.js'
import { pseudonymiseObject } from './personal/pseudonymise.js'
import { assertNotReserved } from './reserved-relation.js'
import { type Chains, chainsGiven, chainsResolved, DefaultChains } from './residency.js'

export interface ItemDeps {
  readonly pepper: Pepper
  readonly resolver: DomainResolver
  /** The chains of entries that name no chain. */
  readonly defaults?: Chains | undefined
}

/**
 * Entries that are prepared before the event loop may read its sockets. Otherwise a running transaction would wait until
 * the whole next group is prepared.
 */
const ENTRIES_PER_TURN = 32

/**
 * Returns entries as rows of their chains, in the same order, with an error in place of each refused entry. A pepper is
 * resolved once for each chain of the group, together with the others, and dropped with the group. Only what is not known
 * yet is awaited: an awaited step costs as much as half of a row.
 */
export async function toAppendItems(
  entries: readonly InputEntry[],
  deps: ItemDeps,
): Promise<readonly (AppendItem | AuditError)[]> {
  const peppers = new GroupPeppers(deps.pepper)
  const chains = await chainsOfEach(entries, deps)
  for (const domainIds of chains) if (!(domainIds instanceof AuditError)) peppers.begin(domainIds)
  const items: (AppendItem | AuditError)[] = []
  for (const [i, entry] of entries.entries()) {
    const domainIds = chains[i] ?? []
    try {
      if (domainIds instanceof AuditError) throw domainIds
      const rows: NewRow[] = []
      for (const domainId of domainIds) {
        const { pepper } = peppers.known(domainId) ?? (await peppers.load(domainId))
        rows.push(toRow(entry, domainId, pepper))
      }
      items.push(itemOf(entry, domainIds, rows, peppers))
    } catch (error) {
      items.push(refusal(error))
    }
    if (items.length % ENTRIES_PER_TURN === 0) await setImmediate()
  }
  return items
}

/** Returns the chains of each entry, or the error that refuses it. */
async function chainsOfEach(
  entries: readonly InputEntry[],
  deps: ItemDeps,
): Promise<(readonly string[] | AuditError)[]> {
  const defaults = new DefaultChains(deps.defaults)
  const chains: (readonly string[] | AuditError)[] = []
  for (const entry of entries) {
    try {
      assertNotReserved(entry.relation)
      chains.push(chainsGiven(entry, defaults) ?? (await chainsResolved(entry, deps.resolver)))
    } catch (error) {
      chains.push(refusal(error))
    }
  }
  return chains
}

function refusal(error: unknown): AuditError {
  if (error instanceof AuditError) return error
  if (error instanceof FormatError) return new AuditError('invalid_input', error.message, { cause: error })
  throw error
}

/** `rows` are in the order of `domainIds`, and the peppers of all of them are known. */
function itemOf(
  { idempotencyKey: key }: InputEntry,
  domainIds: readonly string[],
  rows: readonly NewRow[],
  peppers: GroupPeppers,
): AppendItem {
  const { genesisPseudonyms, starts } = peppers.beginningsOf(domainIds)
  if (key === undefined) return { rows, genesisPseudonyms, starts }
  const fingerprints = new Map<string, string>()
  for (const row of rows) {
    const pepper = peppers.known(row.domainId)?.pepper
    if (pepper === undefined)
      throw new AuditError('internal', 'a row was made without the pepper of its chain')
    fingerprints.set(row.domainId, contentFingerprint(pepper, { key, domainIds, row }))
  }
  return { rows, genesisPseudonyms, starts, idempotency: { key, fingerprints } }
}

/** Returns one entry as a row of one chain. People in the row are pseudonyms under that chain's pepper. */
export function toRow(entry: InputEntry, domainId: string, pepper: Uint8Array): NewRow {
  const { subjectId, relation, relationPath, caveatContext, correlationId, subject, context } = entry
  const object = pseudonymiseObject(pepper, entry.object)
  const stored = { relation, object, relationPath, caveatContext, correlationId, zedtoken: entry.zedtoken }
  const { impersonal } = entry
  const problem = personalDataProblem(stored, { subjectId, ...subject, ip: context?.ip, impersonal })
  if (problem !== undefined) {
    throw new AuditError('personal_data_in_chain', problem, {
      advice: { code: 'keep_people_out' },
    })
  }
  const row: NewRow & { unplaced?: Uint8Array } = {
    domainId,
    subjectPseudonym: nodePseudonym(pepper, subjectId),
    relation,
    object,
    reason: entry.reason,
    relationPath,
    caveatContext: sortCaveats(caveatContext),
    correlationId,
    zedtoken: entry.zedtoken,
    subject: subjectOf(entry),
    context,
  }
  // Encoded here, while other groups are written, and not under the lock of the chain.
  row.unplaced = encodeUnplaced(row)
  return row
}

/** Adds the identity where the subject_id is a UUID: erasure looks for it. */
function subjectOf({ subjectId, subject }: InputEntry): SubjectPii | undefined {
  if (!isUuid(subjectId)) return subject
  return { ...subject, identityId: subject?.identityId ?? subjectId.toLowerCase() }
}

/** How the chains of an item begin: shared by the items of a group. */
type Beginnings = Required<Pick<AppendItem, 'genesisPseudonyms' | 'starts'>>

interface ChainPepper extends Beginnings {
  readonly pepper: Uint8Array
}

class GroupPeppers {
  readonly #pepper: Pepper
  readonly #loading = new Map<string, Promise<ChainPepper>>()
  readonly #known = new Map<string, ChainPepper>()

  constructor(pepper: Pepper) {
    this.#pepper = pepper
  }

  /**
   * Begins to load the peppers of chains. A failure is that of {@link load}. All calls begin together, so that a key file
   * is read once for them; an adapter that needs connections limits their number itself.
   */
  begin(domainIds: readonly string[]): void {
    for (const domainId of domainIds) {
      if (!this.#loading.has(domainId)) this.load(domainId).catch(() => undefined)
    }
  }

  /** Returns what {@link load} has loaded. */
  known(domainId: string): ChainPepper | undefined {
    return this.#known.get(domainId)
  }

  /** Resolves the pepper of a chain once: a failure counts for the whole group. */
  load(domainId: string): Promise<ChainPepper> {
    const loading = this.#loading.get(domainId) ?? this.#resolve(domainId)
    this.#loading.set(domainId, loading)
    return loading
  }

  /** Returns how chains begin that are known. */
  beginningsOf(domainIds: readonly string[]): Beginnings {
    const all = domainIds.map((domainId) => this.#known.get(domainId))
    const [only] = all
    if (all.length === 1 && only !== undefined) return only
    return {
      genesisPseudonyms: new Map(all.flatMap((one) => [...(one?.genesisPseudonyms ?? [])])),
      starts: new Map(all.flatMap((one) => [...(one?.starts ?? [])])),
    }
  }

  async #resolve(domainId: string): Promise<ChainPepper> {
    const pepper = await this.#pepper.pepperOf(domainId)
    const genesis = genesisPseudonym(pepper)
    const start: [string, ChainStart] = [domainId, { genesis: genesisRow(domainId, genesis) }]
    const starts = new Map(domainId === PLATFORM_ANCHOR ? [start] : [])
    const known = { pepper, genesisPseudonyms: new Map([[domainId, genesis]]), starts }
    this.#known.set(domainId, known)
    return known
  }
}
