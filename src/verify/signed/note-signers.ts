import type { KeyBook } from '../../chain/log/key-book.js'
import { isInRange } from '../../chain/log/key-ranges.js'
import type { LogRow } from '../../chain/log/log-rows.js'
import type { RowsItem } from '../../chain/log/row-items.js'
import { SIGNED_RELATION } from '../../chain/log/signed-row.js'
import { signersOf, type VerifySignature } from '../../chain/note/signers.js'
import type { VerifierKey } from '../../chain/note/vkey.js'
import { PLATFORM_ANCHOR } from '../../chain/uuid.js'
import type { NoteSigners, ReadNote, SignedRoot } from '../../ports/log/heads.js'
import { type CheckpointHashers, readCheckpointFile } from './checkpoint-file.js'

/**
 * Returns who signed a note, by the keys that the book knows for its chain and size, and by witnesses. Undefined where a line of a
 * known key is not valid: then the note is malformed.
 */
export function noteSigners(
  read: ReadNote,
  book: KeyBook,
  witnesses: readonly VerifierKey[],
  verify: VerifySignature,
): NoteSigners | undefined {
  const keys = book
    .rangesOf(read)
    .filter((known) => known.key.name === read.origin && isInRange(known, read.size))
    .map(({ key }) => key)
  const signers = signersOf(read.note, [...keys, ...witnesses], verify)
  if (signers === undefined) return undefined
  const known = keys.find((key) => signers.known.has(key))
  const signer = known && { by: book.by, keyId: known.id, logName: read.logName }
  return { ...(signer && { signer }), cosignatures: signers.cosignatures, unknown: signers.unknown }
}

/** Returns the root in the first of some notes that a known key of the platform chain signed. A note of anybody else is skipped. */
export function indexedRoot(
  notes: readonly string[],
  book: KeyBook,
  tools: CheckpointHashers & { readonly verify: VerifySignature },
): SignedRoot | undefined {
  for (const note of notes) {
    const file = readCheckpointFile(new TextEncoder().encode(note), tools)
    if ('problem' in file || file.domainId !== PLATFORM_ANCHOR || file.incarnation !== 1) continue
    const signer = noteSigners(file, book, [], tools.verify)?.signer
    if (signer !== undefined) return { size: file.size, root: file.root, place: { kind: 'index' }, signer }
  }
  return undefined
}

/** Returns the rows of a chain that rows of the log sign over. */
export function signedOverRows(domainId: string, rows: readonly LogRow[], book: KeyBook): RowsItem[] {
  return rows.flatMap((row) => {
    const signed = book.rowOf(row)
    if (signed?.relation !== SIGNED_RELATION.signedOver || book.signerOf(row) === undefined) return []
    const { chain, rows: ranges } = signed
    return chain.domainId === domainId && chain.incarnation === 1 ? ranges : []
  })
}
