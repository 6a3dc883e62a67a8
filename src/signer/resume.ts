import { AuditError } from '../base/errors.js'
import { finding } from '../chain/finding.js'
import { type SignerState, signerStateText } from '../chain/log/signer-state.js'
import type { VerifierKey } from '../chain/note/vkey.js'
import { type ChainWork, recordedKey } from './chain-work.js'
import { type Tree, TreeGrower } from './grow-tree.js'
import { publicKeyOf } from './known-log.js'
import { judgeObject } from './last-object.js'
import { headInRows, indexedHead, keptHeads, type OwnHead } from './own-heads.js'
import { Refusal } from './reasons.js'
import { newestRecord } from './record.js'
import { assertStillStored } from './signed-rows-stay.js'

/**
 * Returns what the signer promised to sign last of a chain, its highest record; undefined where it signed nothing yet. Applies the
 * rules for a start (tlog.md, section 7): a record that is too low, or none, is made again from what the own key signed, if the rows
 * and the object of the last row still give it. Throws a Refusal where the chain must not be signed.
 */
export async function resume(work: ChainWork): Promise<SignerState | undefined> {
  const { deps, key, growth } = work
  const record = await newestRecord(deps.states, key.origin)
  if (record === undefined) return withoutRecord(work, undefined)
  if (work.isStart || record.size > growth.lastSeq) await assertStillStored(work, record)
  if (record.size > growth.indexedSize || !work.isStart) return record
  const head = await indexedHead(deps.store, work.chain, publicKeyOf(key))
  if (head === undefined || head.size < record.size) return record
  if (head.size > record.size) return withoutRecord(work, record)
  assertOneBody(work, [{ ...record, entryHash: record.lastEntryHash }, head])
  return record
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

async function withoutRecord(
  work: ChainWork,
  record: SignerState | undefined,
): Promise<SignerState | undefined> {
  const heads = await ownHeads(work, publicKeyOf(work.key))
  const size = Math.max(0, ...heads.map((head) => head.size))
  const largest = heads.filter((head) => head.size === size)
  const [head] = largest
  if (head === undefined || size <= (record?.size ?? 0)) return record
  assertOneBody(work, largest)
  const tree = await treeOf(work, head)
  const k = record === undefined ? 0 : record.k + 1
  const state = { ...tree, origin: work.key.origin, k }
  const isOurs = await work.deps.states.create(state.origin, { k, text: signerStateText(state) })
  return isOurs ? state : resume(work)
}

async function ownHeads(work: ChainWork, key: VerifierKey): Promise<readonly OwnHead[]> {
  const { deps, chain, known, signal } = work
  const indexed = await indexedHead(deps.store, chain, key)
  const store = await work.mirror()
  const kept = await keptHeads(store, chain, key, indexed?.size ?? 0, signal)
  return [indexed, ...kept, await headInRows(chain, known)].filter((head) => head !== undefined)
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
