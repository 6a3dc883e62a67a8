import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { archiveOnce } from '../../src/archive/once.js'
import { NO_CLAIMS } from '../../src/base/domain-claims.js'
import { nodeHasher } from '../../src/base/node-hasher.js'
import { inParallel } from '../../src/base/parallel/in-parallel.js'
import { PLATFORM_ANCHOR } from '../../src/chain/uuid.js'
import { signerStates } from '../../src/local/signer-states.js'
import { mirrorCodec } from '../../src/mirror/object/codec.js'
import { postgresChainReader } from '../../src/repo/signer/chain-reader.js'
import { postgresSignerStore } from '../../src/repo/signer/signer-store.js'
import { postgresSnapshots } from '../../src/repo/verify/postgres-snapshot.js'
import type { SignerDeps } from '../../src/signer/deps.js'
import { logKeys } from '../../src/signer/log-keys.js'
import { type PassOptions, Signer } from '../../src/signer/sign-pass.js'
import { BothSource } from '../../src/verify/both-source.js'
import { Writer } from './append-chains.js'
import { ArchiveFixture, type Archiver, type ArchiverOptions, NEVER } from './archive-fixture.js'
import { rowsOf } from './postgres.js'

export const LOG_NAME = 'audit.example.com/tlog'
export const KEY_FILE = new Uint8Array(32).fill(7)

export interface SigningOptions {
  readonly keyFile?: Uint8Array
  /** The folder of the records, below the folder of the fixture. */
  readonly home?: string
  readonly archiver?: ArchiverOptions
  readonly deps?: Partial<SignerDeps>
}

/** A log with a database, a directory mirror, and signers on both. */
export class SigningFixture {
  readonly writer: Writer

  private constructor(readonly log: ArchiveFixture) {
    this.writer = new Writer(log.url)
  }

  static async make(): Promise<SigningFixture> {
    return new SigningFixture(await ArchiveFixture.make())
  }

  get url(): string {
    return this.log.url
  }

  /** Creates a Domain with this many rows, the genesis row included. */
  async domain(rows: number, domainId?: string): Promise<string> {
    const created = await this.writer.create(domainId)
    await this.append(created, rows - 1)
    return created
  }

  /** Creates several Domains with this many rows each, a few at a time: a pool of connections waits for 10 seconds only. */
  domains(count: number, rows: number): Promise<string[]> {
    return inParallel(
      Array(count).fill(rows),
      4,
      () => false,
      (each: number) => this.domain(each),
    )
  }

  /** Prepares Domains with archived rows, the first 3 of each signed. Returns a function that gives one of them at a time. */
  async begun(count: number, rows: number): Promise<() => string> {
    const prepared = await this.domains(count, 3)
    const signer = this.signer()
    await signer.once()
    await Promise.all(prepared.map((domainId) => this.append(domainId, rows - 3)))
    await signer.archiver.once()
    return () => {
      const domainId = prepared.pop()
      if (domainId === undefined) throw new Error('prepare more Domains')
      return domainId
    }
  }

  async append(domainId: string, rows: number): Promise<void> {
    await Promise.all(Array.from({ length: rows }, () => this.writer.record(domainId)))
  }

  signer(options: SigningOptions = {}): SigningArchiver {
    return new SigningArchiver(this.log, options)
  }

  /** Returns the names of the objects of a chain below `tlog/`. */
  async kept(domainId: string, kind: 'checkpoints' | 'keys' = 'checkpoints'): Promise<string[]> {
    return (await readdir(this.tlogPath(domainId, kind)).catch(() => [])).sort()
  }

  tlogPath(domainId: string, kind: 'checkpoints' | 'keys', name = ''): string {
    return join(new URL(this.log.mirrorUrl).pathname, 'tlog', domainId, kind, name)
  }

  readKept(domainId: string, name: string): Promise<string> {
    return readFile(this.tlogPath(domainId, 'checkpoints', name), 'utf8')
  }

  /** Returns the sizes in the index, ascending, with the row that names each. */
  async indexed(domainId: string) {
    const sql = `SELECT size::int, platform_seq::int AS row FROM audit_checkpoint WHERE domain_id = $1 ORDER BY size`
    return rowsOf(this.url, sql, [domainId])
  }

  /** Returns the rows of a relation of the platform chain. */
  async signedRows(relation: string) {
    const sql = `SELECT seq::int, relation_path AS items FROM audit_log_entry
      WHERE domain_id = '${PLATFORM_ANCHOR}' AND relation = $1 ORDER BY seq`
    return (await rowsOf(this.url, sql, [relation])) as { seq: number; items: string[] }[]
  }

  async drop(): Promise<void> {
    await this.writer.close()
    await this.log.drop()
  }
}

/** An archiver that signs. */
export class SigningArchiver {
  readonly archiver: Archiver
  readonly deps: SignerDeps
  readonly found: { domainId: string; code: string; seqFrom: number; seqTo: number }[] = []
  /** The chains that were archived because a row of the platform chain was written. */
  readonly drained: string[] = []
  #signer: Signer

  constructor(log: ArchiveFixture, { keyFile = KEY_FILE, home = 'home', archiver, deps }: SigningOptions) {
    this.archiver = log.archiver(archiver)
    const { database } = this.archiver
    const mirrorOf = async (domainId: string) =>
      (await this.archiver.deps.mirrors.of({ domainId, claims: NO_CLAIMS })).store
    this.deps = {
      store: postgresSignerStore(database),
      states: signerStates(join(log.dir, home)),
      keys: logKeys(keyFile, LOG_NAME),
      rows: postgresChainReader(database),
      codec: mirrorCodec,
      hasher: nodeHasher,
      mirrorOf,
      bothCopies: async (domainId) =>
        new BothSource(postgresSnapshots(database), await mirrorOf(domainId), mirrorCodec, nodeHasher),
      drain: (domainId) => this.#drain(domainId),
      onFindings: async (domainId, findings) => {
        for (const { finding } of findings) this.found.push({ domainId, ...finding })
      },
      ...deps,
    }
    this.#signer = new Signer(this.deps)
  }

  /** Archives every chain, and runs one pass of the signer, as `archiver --once` does. A new process looks at every chain. */
  async once(options: PassOptions = {}, isNewProcess = true) {
    await this.archiver.once()
    if (isNewProcess) this.#signer = new Signer(this.deps)
    return this.pass(options)
  }

  /** Runs one pass of the signer alone. Returns what became of each chain, short. */
  async pass(options: PassOptions = {}) {
    const results = await this.#signer.pass({ mayBegin: true, ...options }, NEVER)
    return results.map(({ domainId, size, rows, reason }) => ({
      domainId,
      size,
      rows,
      ...(reason !== undefined && { reason }),
    }))
  }

  async #drain(domainId: string): Promise<void> {
    this.drained.push(domainId)
    const { deps } = this.archiver
    const queue = new Proxy(deps.queue, {
      get: (target, name: keyof typeof deps.queue) =>
        name === 'waiting'
          ? async () => (await target.waiting()).filter((chain) => chain.domainId === domainId)
          : target[name].bind(target),
    })
    await archiveOnce({ ...deps, queue }, NEVER)
  }
}
