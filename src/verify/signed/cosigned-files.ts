import { checkpointFolder, parseCheckpointKey } from '../../chain/log/object-keys.js'
import { NOTE_LIMITS, parseNote } from '../../chain/note/note.js'
import { PROOF_LIMITS } from '../../chain/note/tlog-proof.js'
import type { MirrorStore } from '../../ports/mirror.js'
import { type CheckpointFile, type CheckpointHashers, readCheckpointFile } from './checkpoint-file.js'

/** A checkpoint file, and further notes over the same body with the lines of witnesses. */
export interface CosignedFile {
  readonly path: string
  readonly file: CheckpointFile
  /** Its body with one line that lies beside it in the mirror, for each such line. */
  readonly beside: readonly CheckpointFile[]
}

/** Most kept checkpoints, and most lines beside each, that are read. */
const [MOST_FILES, MOST_LINES] = [8, 64]
const COSIGNATURE = /^([0-9]{20}-[0-9a-f]{16})\.[0-9a-f]{8}-[0-9]{20}\.cosig$/

/**
 * Reads the newest kept checkpoint of a chain, and the newest ones that have cosignatures beside them in the mirror (tlog.md, section
 * 5). No signature is checked. A malformed object is skipped: it proves nothing, and a note counts it elsewhere.
 */
export async function readCosigned(
  store: MirrorStore,
  domainId: string,
  hashers: CheckpointHashers,
  signal: AbortSignal,
): Promise<CosignedFile[]> {
  const { newest, lines } = await listed(store, domainId, signal)
  const files: CosignedFile[] = []
  for (const key of newest) {
    const object = await store.get(key, PROOF_LIMITS.bytes, signal)
    const file = object && readCheckpointFile(object.bytes, hashers)
    if (file === undefined || 'problem' in file || file.domainId !== domainId) continue
    const beside: CheckpointFile[] = []
    for (const line of lines.get(stemOf(key)) ?? []) {
      const note = await cosignedNote(store, line, file, signal)
      if (note !== undefined) beside.push({ ...file, note })
    }
    files.push({ path: key, file, beside })
  }
  return files
}

async function cosignedNote(store: MirrorStore, key: string, { note }: CheckpointFile, signal: AbortSignal) {
  const object = await store.get(key, NOTE_LIMITS.bytes, signal)
  return object && parseNote(`${note.body}\n${Buffer.from(object.bytes).toString('utf8')}`)
}

/** Returns the keys of the kept checkpoints to read, largest first, and the keys of the lines beside each. */
async function listed(store: MirrorStore, domainId: string, signal: AbortSignal) {
  const folder = checkpointFolder(domainId)
  const lines = new Map<string, string[]>()
  let last: string | undefined
  let cosigned: string[] = []
  for await (const { key } of store.list(folder, signal)) {
    const [, stem] = COSIGNATURE.exec(key.slice(folder.length)) ?? []
    if (parseCheckpointKey(key) !== undefined) last = key
    if (stem === undefined) continue
    const known = lines.get(stem) ?? []
    if (known.length === 0) cosigned = [...cosigned.slice(1 - MOST_FILES), `${folder}${stem}.tlog-proof`]
    if (known.length < MOST_LINES) lines.set(stem, [...known, key])
  }
  const newest = [...new Set([...(last === undefined ? [] : [last]), ...cosigned.reverse()])]
  return { newest, lines }
}

function stemOf(key: string): string {
  return key.slice(key.lastIndexOf('/') + 1).replace(/\.tlog-proof$/, '')
}
