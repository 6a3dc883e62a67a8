import { AuditError } from '../base/errors.js'
import { finding } from '../chain/finding.js'
import { type SignerState, signerStateText } from '../chain/log/signer-state.js'
import { type ChainWork, recordedKey } from './chain-work.js'
import { type Tree, TreeGrower } from './grow-tree.js'
import { publicKeyOf } from './known-log.js'
import { judgeObject } from './last-object.js'
import { headsInRows, indexedHead, keptHeads, type OwnHead } from './own-heads.js'
import { Refusal } from './reasons.js'
import { newestRecord } from './record.js'
import { assertStillStored } from './signed-rows-stay.js'

/** Where a chain continues. */
export interface Resumed {
  /** What the signer promised to sign last, its highest record; absent where it signed nothing yet. */
  readonly state?: SignerState | undefined
  /** The largest size in the index before the pass; at a start, of a size that the own key did not sign, what it did sign. */
  readonly namedSize: number
}

/**
 * Returns the highest record of a chain. Applies the rules for a start (tlog.md, section 7): a record that is too low, or none, is
 * made again from what the own key signed, if the rows and the object of the last row still give it. Throws a Refusal where the
 * chain must not be signed.
 */
export async function resume(work: ChainWork): Promise<SignerState | undefined> {
  return (await resumed(work)).state
}

/** Does the same as {@link resume}, and returns how much of it the index or a row has. */
export async function resumed(work: ChainWork): Promise<Resumed> {
  const { deps, key, growth, isStart } = work
  const record = await newestRecord(deps.states, key.origin)
  if (record !== undefined && (isStart || record.size > growth.lastSeq)) await assertStillStored(work, record)
  if (record !== undefined && !isStart) return { state: record, namedSize: growth.indexedSize }
  const { heads, namedSize } = await ownHeads(work, record?.size ?? 0)
  const size = Math.max(record?.size ?? 0, ...heads.map((head) => head.size))
  const largest = heads.filter((head) => head.size === size)
  if (record?.size === size) {
    assertOneBody(work, [{ ...record, entryHash: record.lastEntryHash }, ...largest])
    return { state: record, namedSize }
  }
  assertOneBody(work, largest)
  const [head] = largest
  return head === undefined ? { namedSize } : replaced(work, head, record)
}

function assertOneBody({ chain }: ChainWork, [one, ...others]: readonly OwnHead[]) {
  const other = others.find(({ root }) => root !== one?.root)
  if (one === undefined || other === undefined) return
  const { size } = one
  const detail = `two heads of size ${size} were signed with the key of this log: two signed histories`
  const hashes = { expected: one.entryHash, observed: other.entryHash }
  const found = { code: 'checkpoint_conflict', seqFrom: size, seqTo: size, ...hashes, detail } as const
  throw new Refusal('conflict', `chain ${chain.domainId}: ${detail}`, { findings: [finding(found)] })
}

/** Makes a record of a head above the record, or without one. */
async function replaced(work: ChainWork, head: OwnHead, record: SignerState | undefined): Promise<Resumed> {
  const tree = await treeOf(work, head)
  const k = record === undefined ? 0 : record.k + 1
  const state = { ...tree, origin: work.key.origin, k }
  const isOurs = await work.deps.states.create(state.origin, { k, text: signerStateText(state) })
  return isOurs ? { state, namedSize: work.growth.indexedSize } : resumed(work)
}

/**
 * Returns the heads that the own key signed, in the index, in rows and, where the index does not have the recorded size, in kept
 * checkpoints above it. The index alone proves nothing: one row that is forged or deleted hides the others.
 */
async function ownHeads(
  work: ChainWork,
  recorded: number,
): Promise<{ readonly heads: readonly OwnHead[]; readonly namedSize: number }> {
  const { deps, chain, growth, known, signal } = work
  const key = publicKeyOf(work.key)
  const indexed = await indexedHead(deps.store, chain, key)
  const named = [...(await headsInRows(chain, known)), ...(indexed === undefined ? [] : [indexed])]
  const largest = Math.max(0, ...named.map(({ size }) => size))
  const namedSize = Math.min(growth.indexedSize, largest)
  if (indexed !== undefined && recorded > 0 && indexed.size >= recorded) return { heads: named, namedSize }
  const from = Math.max(recorded, largest)
  const kept = await keptHeads(await work.mirror(), chain, key, from, signal)
  return { heads: [...named, ...kept], namedSize }
}

/** Returns the tree of a head that was signed, from the rows and the object of its last row. */
async function treeOf(work: ChainWork, head: OwnHead): Promise<Tree> {
  const { deps, chain, holes, signal } = work
  const { domainId } = chain
  recordedKey(work, head.size)
  const grower = new TreeGrower({ domainId, to: head.size, holes, hasher: deps.hasher })
  const snapshot = await deps.rows.snapshot({ domainId, fromSeq: 1, toSeq: head.size }, signal)
  try {
    if (snapshot.isRestoring) throw new Refusal('restoring', `chain ${domainId} is being restored`)
    for await (const rows of snapshot.rows()) for (const row of rows) grower.add(row)
  } finally {
    await snapshot.close()
  }
  const { tree } = grower.finish()
  const isSame = tree?.size === head.size && tree.root === head.root && tree.lastEntryHash === head.entryHash
  const object = isSame ? await judgeObject(work, tree) : undefined
  if (tree !== undefined && isSame && object === undefined) return tree
  throw new AuditError(
    'signer_state_missing',
    `chain ${domainId}: the signer has no record of the head of size ${head.size} that its key signed, and ` +
      (isSame
        ? `the object of row ${head.size} does not have its entry_hash`
        : `rows 1 to ${head.size} do not give its root: they give a sound tree of ${tree?.size ?? 0} rows`),
  )
}
