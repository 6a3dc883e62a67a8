import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { bytesToHex, hexToBytes } from '@noble/hashes/utils.js'
import { nodeTreeHasher } from '../../src/base/crypto/node-tree-hasher.js'
import { keyStatementText } from '../../src/chain/log/key-statement.js'
import { leafExtraBytes } from '../../src/chain/log/leaf-extra.js'
import { checkpointKey, keyStatementKey } from '../../src/chain/log/object-keys.js'
import type { HeadItem } from '../../src/chain/log/row-items.js'
import { SIGNED_RELATION, type SignableRow } from '../../src/chain/log/signed-row.js'
import { encodeBase64 } from '../../src/chain/note/base64.js'
import { checkpointText } from '../../src/chain/note/checkpoint.js'
import { tlogProofText } from '../../src/chain/note/tlog-proof.js'
import { vkeyText } from '../../src/chain/note/vkey.js'
import { Frontier } from '../../src/chain/tree/frontier.js'
import { PLATFORM_ANCHOR } from '../../src/chain/uuid.js'
import { Context } from '../../src/compose/context.js'
import { openMirror } from '../../src/mirror/open.js'
import type { MirrorStore } from '../../src/ports/mirror.js'
import { PostgresEntryStore } from '../../src/repo/append/append.js'
import { Database } from '../../src/repo/session/database.js'
import { LogSigner, PLATFORM } from './log-signer.js'

export interface SignedLogOptions {
  /** The URL of the database; without it, the home. */
  readonly url?: string | undefined
  /** An embedded home, whose server is started. */
  readonly home?: string | undefined
  /** Where kept checkpoints and key statements go; absent: nowhere. */
  readonly mirrorUrl?: string | undefined
  readonly logName?: string
  /** The 32 bytes of the key file. */
  readonly seed?: Uint8Array
}

export interface SignOptions {
  /** Default: every chain with rows except the platform chain. */
  readonly domainIds?: readonly string[]
  /** The sizes to sign, by chain. Default: the last row. */
  readonly sizes?: Readonly<Record<string, number>>
  /** Whether the platform chain gets a row with the heads. Default: true. */
  readonly row?: boolean
  /** Whether kept checkpoints are created. Default: true. */
  readonly keep?: boolean
  /** Whether the index table gets the heads. Default: true. */
  readonly index?: boolean
}

/** A head with what was made of it. */
export interface MadeHead extends HeadItem {
  /** The signed note. */
  readonly note: string
  /** The kept checkpoint, and its key in the mirror. */
  readonly kept: string
  readonly key: string
  /** The seq of the signed row; absent where there is none. */
  readonly platformSeq?: number
}

const NEVER = new AbortController().signal

/**
 * Signs the heads of a real log, for tests that need signed rows, kept checkpoints and key statements: rows go through the append
 * of the product under its locks. It reads no mirror, keeps no state and checks nothing before it signs.
 */
export class SignedLog {
  /** The newest head of the platform chain that was kept, for the next row. */
  #platformHead: MadeHead | undefined

  private constructor(
    readonly database: Database,
    readonly signer: LogSigner,
    readonly mirror: MirrorStore | undefined,
    readonly close: () => Promise<void>,
  ) {}

  static async open({ url, home, mirrorUrl, ...log }: SignedLogOptions): Promise<SignedLog> {
    const { logName = 'audit.example.com/tlog', seed = new Uint8Array(32).fill(7) } = log
    const context = new Context({ databaseUrl: url, home }, NEVER)
    const database = url === undefined ? await context.database() : new Database(url)
    const mirror = mirrorUrl === undefined ? undefined : await openMirror(mirrorUrl)
    const close = async () => {
      mirror?.close()
      await (url === undefined ? context.close() : database.close())
    }
    return new SignedLog(database, new LogSigner(logName, seed), mirror, close)
  }

  /** The vkey of the platform chain. */
  get vkey(): string {
    return vkeyText(this.signer.platform.key)
  }

  /** A policy with the platform key. */
  get policy(): string {
    return `log ${this.vkey}\nquorum none\n`
  }

  /** Writes `log.vkey` into a home, as the signer does on first use. */
  writeHomeKey(home: string): void {
    writeFileSync(join(home, 'log.vkey'), `${this.vkey}\n`)
  }

  /** Names the keys of these chains and of the platform chain. Default: every chain with rows. */
  async enrol(domainIds?: readonly string[]): Promise<number> {
    const chains = await this.#chains(domainIds)
    for (const chain of [...chains, PLATFORM]) {
      const statement = this.signer.row(SIGNED_RELATION.logKey, [
        `log:${this.signer.logName}`,
        this.signer.keyItem(chain),
      ])
      const text = keyStatementText({ ...statement, origin: this.signer.originOf(PLATFORM) })
      await this.#put(keyStatementKey(chain.domainId, text), text)
    }
    return this.append(this.signer.keyRow([...chains, PLATFORM]))
  }

  /** Signs the heads of chains: kept checkpoints first, then one row of the platform chain, then its own checkpoint. */
  async sign(options: SignOptions = {}): Promise<MadeHead[]> {
    const { row = true, sizes = {} } = options
    const chains = await this.#chains(options.domainIds)
    const made: MadeHead[] = []
    for (const { domainId } of chains) made.push(await this.head(domainId, sizes[domainId]))
    if (options.keep !== false) for (const head of made) await this.#put(head.key, head.kept)
    const before = this.#platformHead === undefined ? [] : [this.#platformHead]
    const platformSeq = row ? await this.append(this.signer.headRow([...made, ...before])) : undefined
    if (options.index !== false) for (const head of made) await this.#index(head, platformSeq)
    if (row) await this.signPlatform(options)
    return made.map((head) => ({ ...head, ...(platformSeq !== undefined && { platformSeq }) }))
  }

  /** Signs the platform chain. The next row of {@link sign} has this head. */
  async signPlatform({ keep = true, index = true }: SignOptions = {}): Promise<MadeHead> {
    const head = await this.head(PLATFORM_ANCHOR)
    if (keep) await this.#put(head.key, head.kept)
    if (index) await this.#index(head, undefined)
    this.#platformHead = head
    return head
  }

  /** Returns the head of a chain at a size, default its last row, and writes nothing. */
  async head(domainId: string, size?: number): Promise<MadeHead> {
    const hashes = await this.entryHashes(domainId, size)
    return this.headOf(domainId, hashes)
  }

  /** Returns the head over these entry hashes, whether or not the chain has them. */
  headOf(domainId: string, entryHashes: readonly string[]): MadeHead {
    const tree = new Frontier(nodeTreeHasher)
    for (const hash of entryHashes) tree.append(hexToBytes(hash))
    const [size, root, entryHash] = [tree.size, tree.root(), entryHashes.at(-1)]
    if (root === undefined || entryHash === undefined) throw new Error(`chain ${domainId} has no rows`)
    const chain = { domainId, incarnation: 1 }
    const { key, sign } = this.signer.keyOf(chain)
    const body = checkpointText({ origin: key.name, size, root })
    const signature = sign(new TextEncoder().encode(body))
    const line = encodeBase64(Uint8Array.from([...hexToBytes(key.id), ...signature]))
    const note = `${body}\n— ${key.name} ${line}\n`
    const extra = leafExtraBytes({ kind: 'leaf', entryHash: hexToBytes(entryHash) })
    const kept = tlogProofText({ extra, index: size - 1, path: tree.lastPath() ?? [] }, note)
    return {
      ...chain,
      size,
      root: bytesToHex(root),
      entryHash,
      note,
      kept,
      key: checkpointKey(domainId, size, body),
    }
  }

  /** Appends a row to the platform chain some times, with the subject of its first row. Returns the seq of the last one. */
  async append({ relation, object, relationPath }: SignableRow, times = 1): Promise<number> {
    const subjectPseudonym = await this.#genesisSubject()
    const fields = { reason: 'granted', caveatContext: [], correlationId: '', zedtoken: '' } as const
    const row = { domainId: PLATFORM_ANCHOR, subjectPseudonym, relation, object, relationPath, ...fields }
    const genesisPseudonyms = new Map([[PLATFORM_ANCHOR, subjectPseudonym]])
    const store = new PostgresEntryStore(this.database)
    const [placed] = await store.append([{ rows: new Array(times).fill(row), genesisPseudonyms }], 'stop')
    if (placed === undefined || placed instanceof Error) throw placed
    return placed.at(-1)?.seq ?? 0
  }

  /** Creates an object in the mirror. */
  async #put(key: string, text: string): Promise<void> {
    await this.mirror?.create(key, new TextEncoder().encode(text), NEVER)
  }

  async #index(head: MadeHead, platformSeq: number | undefined): Promise<void> {
    await this.database.withTransaction('BEGIN', (client) =>
      client.query(
        `INSERT INTO audit_checkpoint (domain_id, incarnation, size, root, entry_hash, note, platform_seq)
         VALUES ($1, 1, $2, $3, $4, $5, $6) ON CONFLICT DO NOTHING`,
        [head.domainId, head.size, hexToBytes(head.root), hexToBytes(head.entryHash), head.note, platformSeq],
      ),
    )
  }

  async #chains(domainIds?: readonly string[]) {
    const ids = domainIds ?? (await this.#query<{ id: string }>(CHAINS)).map(({ id }) => id)
    const others = ids.filter((id) => id !== PLATFORM_ANCHOR).sort()
    return others.map((domainId) => ({ domainId, incarnation: 1 }))
  }

  /** Returns the entry hashes of a chain, up to a row. */
  async entryHashes(domainId: string, size = Number.MAX_SAFE_INTEGER): Promise<string[]> {
    const rows = await this.#query<{ hash: string }>(HASHES, [domainId, size])
    return rows.map(({ hash }) => hash)
  }

  async #genesisSubject(): Promise<string> {
    const [row] = await this.#query<{ subject: string }>(SUBJECT, [PLATFORM_ANCHOR])
    if (row === undefined) throw new Error('there is no platform chain')
    return row.subject
  }

  async #query<T extends object>(sql: string, values: readonly unknown[] = []): Promise<T[]> {
    return this.database.read(async (client) => (await client.query<T>(sql, [...values])).rows)
  }
}

const CHAINS = 'SELECT DISTINCT domain_id::text AS id FROM audit_log_chain_head ORDER BY id'
const HASHES = `
  SELECT encode(entry_hash, 'hex') AS hash FROM audit_log_entry WHERE domain_id = $1 AND seq <= $2 ORDER BY seq`
const SUBJECT = `
  SELECT encode(subject_pseudonym, 'hex') AS subject FROM audit_log_entry WHERE domain_id = $1 AND seq = 1`
