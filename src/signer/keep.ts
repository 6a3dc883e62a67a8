import { utf8 } from '../chain/limits.js'
import { keyStatementText } from '../chain/log/key-statement.js'
import { checkpointKey, keyStatementKey } from '../chain/log/object-keys.js'
import type { KnownKey } from '../chain/log/platform-lines.js'
import type { ChainRef } from '../chain/log/row-items.js'
import { SIGNED_RELATION } from '../chain/log/signed-row.js'
import type { SignerState } from '../chain/log/signer-state.js'
import { PROOF_LIMITS } from '../chain/note/tlog-proof.js'
import type { MirrorStore } from '../ports/mirror.js'
import type { LogKeys } from '../ports/signer.js'
import type { ChainWork } from './chain-work.js'
import { PLATFORM } from './known-log.js'
import { judgeObject } from './last-object.js'
import { keyItem } from './row-texts.js'
import { bodyOf, keptCheckpointText, signedNote, signedRow } from './signed-note.js'

/**
 * Creates the kept checkpoint of a head in the mirror of its chain. An object that is there stays: it is our own from an earlier
 * attempt, or a foreign one, which proves nothing. Returns whether the object was created.
 */
export async function keepCheckpoint(
  state: SignerState,
  note: string,
  domainId: string,
  store: MirrorStore,
  signal: AbortSignal,
): Promise<boolean> {
  const key = checkpointKey(domainId, state.size, bodyOf(state))
  const { created } = await store.create(key, utf8(keptCheckpointText(state, note)), signal)
  return created
}

/**
 * Creates the newest checkpoint of a chain and its key statement again where its mirror lacks them: the mirror is a new one, or a
 * lifecycle rule removed them. Two GETs where it has both. The checkpoint comes only after the object of its last row.
 */
export async function keepAgain(work: ChainWork, state: SignerState): Promise<void> {
  const { chain, known, key, deps, signal } = work
  const { domainId } = chain
  const [store, signing] = [await work.mirror(), known.keyAt(chain, state.size + 1)]
  const isOwn = (one: KnownKey | undefined) => one !== undefined && textOf(one) === textOf(key)
  if (signing !== undefined && isOwn(signing)) {
    const statement = statementOf(chain, signing, deps.keys)
    if (await lacks(store, statement.key, signal))
      await store.create(statement.key, utf8(statement.text), signal)
  }
  const signer = known.keyAt(chain, state.size)
  const name = checkpointKey(domainId, state.size, bodyOf(state))
  if (signer === undefined || !isOwn(signer) || !(await lacks(store, name, signal))) return
  if ((await judgeObject(work, state)) !== undefined) return
  await keepCheckpoint(state, signedNote(state, key, signer.key), domainId, store, signal)
}

async function lacks(store: MirrorStore, key: string, signal: AbortSignal): Promise<boolean> {
  return (await store.get(key, PROOF_LIMITS.bytes, signal)) === undefined
}

function textOf({ publicKey }: { readonly publicKey: Uint8Array }): string {
  return Buffer.from(publicKey).toString('hex')
}

/** Creates the key statement of a chain in its mirror. Its bytes are the same each time. */
export async function keepStatement(
  chain: ChainRef,
  known: KnownKey,
  keys: LogKeys,
  store: MirrorStore,
  signal: AbortSignal,
): Promise<void> {
  const { key, text } = statementOf(chain, known, keys)
  await store.create(key, utf8(text), signal)
}

function statementOf(chain: ChainRef, known: KnownKey, keys: LogKeys): { key: string; text: string } {
  const platform = keys.of(PLATFORM)
  const items = [`log:${keys.logName}`, keyItem(chain, known.fromSize, known.publicKey)]
  const row = signedRow(SIGNED_RELATION.logKey, items, platform)
  const text = keyStatementText({ ...row, origin: platform.origin })
  return { key: keyStatementKey(chain.domainId, text), text }
}
