import { parseLeafExtra } from '../chain/log/leaf-extra.js'
import type { LogRow } from '../chain/log/log-rows.js'
import { checkpointFolder, parseCheckpointKey } from '../chain/log/object-keys.js'
import { SIGNED_RELATION } from '../chain/log/signed-row.js'
import { PROOF_LIMITS, parseTlogProof } from '../chain/note/tlog-proof.js'
import { PLATFORM_ANCHOR } from '../chain/uuid.js'
import type { MirrorStore } from '../ports/mirror.js'
import type { OfferedHead, ProofSource, RowHashes, SizeRange } from '../ports/proof.js'
import type { EntryReader } from '../ports/query.js'
import { readStatements } from '../verify/signed/kept-heads.js'

/** Kept checkpoints that are read of one chain. */
const MOST_OBJECTS = 64

export interface MirrorSourceDeps {
  readonly store: MirrorStore
  /** Reads the rows of the same mirror. */
  readonly reader: Required<Pick<EntryReader, 'stream'>>
  readonly signal: AbortSignal
}

/** Reads what a mirror has for the proof of a row: kept checkpoints, key statements and the objects of rows. */
export class MirrorProofSource implements ProofSource {
  readonly name = 'mirror'
  readonly isIndexed = false
  readonly #deps: MirrorSourceDeps

  constructor(deps: MirrorSourceDeps) {
    this.#deps = deps
  }

  get where(): string {
    return `the mirror ${this.#deps.store.url}`
  }

  async *heads(
    domainId: string,
    { atLeast, atMost = Number.MAX_SAFE_INTEGER }: SizeRange,
  ): AsyncGenerator<OfferedHead> {
    const { store, signal } = this.#deps
    const found: { key: string; size: number }[] = []
    for await (const { key } of store.list(checkpointFolder(domainId), signal)) {
      const size = parseCheckpointKey(key)?.size
      if (size !== undefined && size >= atLeast && size <= atMost) found.push({ key, size })
    }
    // Keys ascend by their size.
    for (const { key } of found.slice(-MOST_OBJECTS).reverse()) {
      const head = offered(await this.#text(key))
      if (head !== undefined) yield head
    }
  }

  async *rows(domainId: string, from: number, to: number): AsyncGenerator<RowHashes> {
    const { reader, signal } = this.#deps
    for await (const row of reader.stream(domainId, {}, { after: from - 1, upTo: to }, signal))
      yield { seq: row.seq, prevHash: row.prevHash, entryHash: row.entryHash }
  }

  /** The statement of the platform chain is among them: only with its key are the others signed. */
  async keyRows(domainId: string): Promise<readonly LogRow[]> {
    const { store, signal } = this.#deps
    const own = await readStatements(store, domainId, signal)
    return domainId === PLATFORM_ANCHOR
      ? own
      : [...own, ...(await readStatements(store, PLATFORM_ANCHOR, signal))]
  }

  async signedOverRows(): Promise<readonly LogRow[]> {
    const { reader, signal } = this.#deps
    const rows: LogRow[] = []
    for await (const row of reader.stream(PLATFORM_ANCHOR, {}, { after: 0 }, signal)) {
      const { seq, relation, object, relationPath } = row
      if (relation === SIGNED_RELATION.signedOver && object !== undefined && relationPath !== undefined)
        rows.push({ seq, relation, object, relationPath })
    }
    return rows
  }

  async #text(key: string): Promise<string | undefined> {
    const { store, signal } = this.#deps
    const { bytes } = (await store.get(key, PROOF_LIMITS.bytes, signal)) ?? {}
    return bytes === undefined || bytes.length > PROOF_LIMITS.bytes ? undefined : textOf(bytes)
  }
}

/** Reads a kept checkpoint: the proof of the last leaf, with its entry_hash. Undefined for every other text. */
function offered(text: string | undefined): OfferedHead | undefined {
  const proof = text === undefined ? undefined : parseTlogProof(text)
  const extra = proof?.extra && parseLeafExtra(proof.extra)
  if (text === undefined || proof === undefined || typeof extra !== 'object' || extra.kind !== 'leaf')
    return undefined
  // The path leads from the last leaf, or from nowhere.
  if (proof.index !== proof.checkpoint.size - 1) return undefined
  return {
    note: text.slice(text.indexOf('\n\n') + 2),
    last: { entryHash: extra.entryHash, path: proof.path },
  }
}

const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })

function textOf(bytes: Uint8Array): string | undefined {
  try {
    return utf8.decode(bytes)
  } catch {
    return undefined
  }
}
