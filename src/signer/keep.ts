import { utf8 } from '../chain/limits.js'
import type { KnownKey } from '../chain/log/key-book.js'
import { keyStatementText } from '../chain/log/key-statement.js'
import { checkpointKey, keyStatementKey } from '../chain/log/object-keys.js'
import type { ChainRef } from '../chain/log/row-items.js'
import { SIGNED_RELATION } from '../chain/log/signed-row.js'
import type { SignerState } from '../chain/log/signer-state.js'
import type { MirrorStore } from '../ports/mirror.js'
import type { LogKeys } from '../ports/signer.js'
import { PLATFORM } from './known-log.js'
import { keyItem } from './row-texts.js'
import { bodyOf, keptCheckpointText, signedRow } from './signed-note.js'

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

/** Creates the key statement of a chain in its mirror. Its bytes are the same each time. */
export async function keepStatement(
  chain: ChainRef,
  known: KnownKey,
  keys: LogKeys,
  store: MirrorStore,
  signal: AbortSignal,
): Promise<void> {
  const platform = keys.of(PLATFORM)
  const items = [`log:${keys.logName}`, keyItem(chain, known.fromSize, known.publicKey)]
  const row = signedRow(SIGNED_RELATION.logKey, items, platform)
  const text = keyStatementText({ ...row, origin: platform.origin })
  await store.create(keyStatementKey(chain.domainId, text), utf8(text), signal)
}
