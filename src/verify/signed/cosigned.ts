import type { Cosignature } from '../../chain/note/signers.js'
import type { StatedHeads } from '../../ports/log/heads.js'
import type { CosignedFile } from './cosigned-files.js'
import type { GivenCheckpoint } from './given-notes.js'
import type { CosignedCheckpoint } from './witnessing.js'

/** A checkpoint that the log and at least one witness of the policy signed. Whether the rows reproduce it was not checked. */
export interface CosignedCandidate extends GivenCheckpoint {
  readonly cosignatures: readonly Cosignature[]
}

/** Returns the files that a known key of the chain and a witness signed. Files with the same body count as one. */
export function candidatesIn(files: readonly CosignedFile[], stated: StatedHeads): CosignedCandidate[] {
  const byBody = new Map<string, CosignedCandidate>()
  for (const { path, file, beside } of files) {
    if (stated.signersOf(file)?.signer === undefined) continue
    const cosignatures = [file, ...beside].flatMap((one) => stated.signersOf(one)?.cosignatures ?? [])
    if (cosignatures.length === 0) continue
    const known = byBody.get(file.note.body)
    // A file with a path says more than the note alone.
    const better = known?.file.entryHash === undefined ? file : known.file
    const all = [...(known?.cosignatures ?? []), ...cosignatures]
    byBody.set(file.note.body, { path, file: better, cosignatures: all })
  }
  return [...byBody.values()]
}

export function cosignedOf({ file, cosignatures }: CosignedCandidate): CosignedCheckpoint {
  return { size: file.size, cosignatures }
}
