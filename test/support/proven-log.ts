import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { vkeyText } from '../../src/chain/note/vkey.js'
import { Frontier } from '../../src/chain/tree/frontier.js'
import { TileBuilder } from '../../src/chain/tree/tiles.js'
import { PLATFORM_ANCHOR } from '../../src/chain/uuid.js'
import { putTiles } from '../../src/repo/signer/tiles.js'
import { storedRows, Writer } from './append-chains.js'
import { type CliResult, runCli } from './cli.js'
import { type TestDatabase, testDatabase } from './postgres.js'
import { SignedLog } from './signed-log.js'
import { HASHER, unhex } from './tlog-vectors.js'

/** Sizes of the chain: an early signed head, the newest one, and the rows that no head covers. */
export const EARLY = 100
export const SIGNED = 300
export const ROWS = 305

/** A signed log in PostgreSQL and in a directory mirror, with two chains. Only the first one has signed heads. */
export class ProvenLog {
  private constructor(
    readonly database: TestDatabase,
    readonly dir: string,
    readonly writer: Writer,
    readonly log: SignedLog,
    readonly domainId: string,
    readonly unsigned: string,
  ) {}

  static async make(): Promise<ProvenLog> {
    const dir = mkdtempSync(join(tmpdir(), 'proven-log-'))
    mkdirSync(join(dir, 'mirror'))
    const database = await testDatabase()
    const writer = new Writer(database.url)
    const [domainId, unsigned] = [await writer.create(), await writer.create()]
    const append = (count: number) =>
      Promise.all(
        Array.from({ length: count }, (_, at) => writer.record(domainId, { object: `project:p${at}` })),
      )
    await append(SIGNED - 1)
    const log = await SignedLog.open({
      url: database.url,
      mirrorUrl: pathToFileURL(join(dir, 'mirror')).href,
    })
    const made = new ProvenLog(database, dir, writer, log, domainId, unsigned)
    await log.enrol()
    await log.sign({ domainIds: [domainId], sizes: { [domainId]: EARLY } })
    await log.sign({ domainIds: [domainId] })
    await made.#putTiles()
    await append(ROWS - SIGNED)
    const archived = await made.audit('archiver', '--once', '--init-mirror')
    if (archived.code !== 0) throw new Error(archived.stderr)
    writeFileSync(made.policy, made.policyOf(domainId, PLATFORM_ANCHOR))
    return made
  }

  get mirror(): string {
    return join(this.dir, 'mirror')
  }

  get policy(): string {
    return join(this.dir, 'audit.policy')
  }

  get env(): Record<string, string> {
    return {
      AUDIT_DATABASE_URL: this.database.url,
      AUDIT_MIRROR_URL: pathToFileURL(this.mirror).href,
      AUDIT_HOME: join(this.dir, 'home'),
      AUDIT_DOMAIN: this.domainId,
    }
  }

  /** Runs a command on this log. */
  audit(...args: readonly string[]): Promise<CliResult> {
    return runCli(args, { env: this.env, cwd: this.dir })
  }

  /** Runs a command on the mirror alone. */
  offline(...args: readonly string[]): Promise<CliResult> {
    const env = { ...this.env, AUDIT_DATABASE_URL: 'postgresql://postgres@/audit?host=/nonexistent' }
    return runCli([...args, '--source', 'mirror'], { env, cwd: this.dir })
  }

  at(name: string): string {
    return join(this.dir, name)
  }

  policyOf(...domainIds: readonly string[]): string {
    const logs = domainIds.map((domainId) => `log ${this.vkeyOf(domainId)}\n`)
    return `${logs.join('')}quorum none\n`
  }

  vkeyOf(domainId: string): string {
    return vkeyText(this.log.signer.keyOf({ domainId, incarnation: 1 }).key)
  }

  async entryHashOf(seq: number): Promise<string> {
    const rows = await storedRows(this.database.url, this.domainId)
    return String(rows[seq - 1]?.entry_hash)
  }

  async close(): Promise<void> {
    await this.log.close()
    await this.writer.close()
    await this.database.drop()
    rmSync(this.dir, { recursive: true, force: true })
  }

  async #putTiles(): Promise<void> {
    const builder = new TileBuilder(0)
    const tree = new Frontier(HASHER, 0, [], builder.onSubtree)
    for (const { entry_hash } of await storedRows(this.database.url, this.domainId))
      tree.append(unhex(String(entry_hash)))
    const chain = { domainId: this.domainId, incarnation: 1 }
    await putTiles(
      this.log.database,
      builder.take().map(({ level, index, hashes }) => ({ ...chain, level, index, hashes })),
    )
  }
}
