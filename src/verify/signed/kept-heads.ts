import type { KeyBook } from '../../chain/log/key-book.js'
import { parseKeyStatement } from '../../chain/log/key-statement.js'
import type { LogRow } from '../../chain/log/log-rows.js'
import {
  checkpointFolder,
  checkpointsFrom,
  keyStatementFolder,
  parseCheckpointKey,
} from '../../chain/log/object-keys.js'
import { NOTE_LIMITS } from '../../chain/note/note.js'
import type { VerifySignature } from '../../chain/note/signers.js'
import { PROOF_LIMITS } from '../../chain/note/tlog-proof.js'
import type { VerifierKey } from '../../chain/note/vkey.js'
import type { HeadSigner, NoteSigners, StatedHead } from '../../ports/log/heads.js'
import type { MirrorStore } from '../../ports/mirror.js'
import { type CheckpointFile, type CheckpointHashers, readCheckpointFile } from './checkpoint-file.js'
import { noteSigners } from './note-signers.js'

/** Most objects of one folder that are read and skipped. */
const MOST_SKIPPED = 64

export interface KeptTools extends CheckpointHashers {
  readonly verify: VerifySignature
  /** The witnesses of the policy. */
  readonly witnesses?: readonly VerifierKey[] | undefined
}

/** What the folder of one chain below `tlog/` states. */
export interface KeptHeads {
  /** The newest kept checkpoint that a known key signed. */
  readonly head?: StatedHead | undefined
  /** How many newer checkpoints only unknown keys signed, by key id. */
  readonly unknownKeys: ReadonlyMap<string, number>
  /** How many newer objects are no checkpoint of the chain, or have an invalid line by a known key. */
  readonly foreignObjects: number
}

/** Reads the key statements of a chain in its mirror, as rows whose signature was not checked. */
export async function readStatements(
  store: MirrorStore,
  domainId: string,
  signal: AbortSignal,
): Promise<LogRow[]> {
  const statements: LogRow[] = []
  let seen = 0
  for await (const { key } of store.list(keyStatementFolder(domainId), signal)) {
    if (seen === MOST_SKIPPED) break
    seen += 1
    const object = key.endsWith('.json') ? await store.get(key, NOTE_LIMITS.bytes, signal) : undefined
    const statement = object && parseKeyStatement(textOf(object.bytes))
    if (statement !== undefined) statements.push(statement)
  }
  return statements
}

/**
 * Reads the newest kept checkpoint of a chain that a known key signed: one listing, and one object more for each foreign one that is
 * newer, up to 64. `known`: the size of a signed head, 0 for none. A checkpoint is kept before its head goes into a row, so that the
 * newest one is not smaller. Smaller ones are listed only where none is left.
 */
export async function readKept(
  store: MirrorStore,
  domainId: string,
  known: number,
  book: KeyBook,
  tools: KeptTools,
  signal: AbortSignal,
): Promise<KeptHeads> {
  const newest = await readFrom(store, domainId, known, book, tools, signal)
  return newest.head !== undefined || known === 0 ? newest : readFrom(store, domainId, 0, book, tools, signal)
}

async function readFrom(
  store: MirrorStore,
  domainId: string,
  from: number,
  book: KeyBook,
  tools: KeptTools,
  signal: AbortSignal,
): Promise<KeptHeads> {
  const { keys, others } = await newestKeys(store, domainId, from, signal)
  const unknownKeys = new Map<string, number>()
  let foreignObjects = others
  for (const key of keys) {
    const object = await store.get(key, PROOF_LIMITS.bytes, signal)
    const read = object === undefined ? undefined : readKeptFile(object.bytes, domainId, book, tools)
    const { signer, unknown = [] } = read?.signers ?? {}
    if (read !== undefined && signer !== undefined)
      return { head: statedBy(read.file, key, signer), unknownKeys, foreignObjects }
    if (object !== undefined && read === undefined) foreignObjects += 1
    for (const keyId of unknown) unknownKeys.set(keyId, (unknownKeys.get(keyId) ?? 0) + 1)
  }
  return { unknownKeys, foreignObjects }
}

/** Reads a kept checkpoint, and who signed it; undefined where it is malformed, or of another chain. */
function readKeptFile(
  bytes: Uint8Array,
  domainId: string,
  book: KeyBook,
  tools: KeptTools,
): { readonly file: CheckpointFile; readonly signers: NoteSigners } | undefined {
  const file = readCheckpointFile(bytes, tools)
  if ('problem' in file || file.entryHash === undefined) return undefined
  if (file.domainId !== domainId || file.incarnation !== 1) return undefined
  const signers = noteSigners(file, book, tools.witnesses ?? [], tools.verify)
  return signers && { file, signers }
}

function statedBy({ size, entryHash = '' }: CheckpointFile, key: string, signer: HeadSigner): StatedHead {
  return { size, entryHash, place: { kind: 'kept', key }, signer: () => signer }
}

/** Returns the keys of the checkpoints with the largest sizes from one on, largest first, and how many other objects there are. */
async function newestKeys(
  store: MirrorStore,
  domainId: string,
  from: number,
  signal: AbortSignal,
): Promise<{ readonly keys: readonly string[]; readonly others: number }> {
  const after = from === 0 ? undefined : checkpointsFrom(domainId, from)
  let keys: string[] = []
  let others = 0
  for await (const { key } of store.list(checkpointFolder(domainId), signal, after)) {
    if (parseCheckpointKey(key) !== undefined) keys = [...keys.slice(-MOST_SKIPPED), key]
    else if (!key.endsWith('.cosig')) others += 1
  }
  return { keys: keys.reverse(), others }
}

const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })

function textOf(bytes: Uint8Array): string {
  try {
    return utf8.decode(bytes)
  } catch {
    // The bytes are not UTF-8, so they are no statement.
    return ''
  }
}
