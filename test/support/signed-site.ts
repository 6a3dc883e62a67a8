import { randomBytes } from 'node:crypto'
import { cpSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { AuditError } from '../../src/base/errors.js'
import type { ChainedEntry } from '../../src/chain/entry.js'
import { reasonName } from '../../src/chain/reason.js'
import { parseTimestamp } from '../../src/chain/timestamp.js'
import { PLATFORM_ANCHOR } from '../../src/chain/uuid.js'
import { Context } from '../../src/compose/context.js'
import { openHeads } from '../../src/compose/read/heads.js'
import { openSource } from '../../src/compose/verify.js'
import { mirrorCodec } from '../../src/mirror/object/codec.js'
import type { CopyName } from '../../src/ports/verify.js'
import type { Verdict } from '../../src/verify/verdict.js'
import { verifyChain } from '../../src/verify/verify-chain.js'
import { Writer } from './append-chains.js'
import { moveHead, put } from './attacks/statements.js'
import { chained } from './chain-builder.js'
import { type CliResult, jsonLines, runCli } from './cli.js'
import { asSuperuser, cloneDatabase, rowsOf, type TestDatabase, testDatabase } from './postgres.js'
import { SignedLog } from './signed-log.js'

/** The sizes of chain A that are signed, and its rows. */
export const SIZES = [3, 6, 10] as const
export const ROWS = 12

/** An external database and a directory mirror with a signed log: every attack gets a copy. */
export class SignedSite {
  private constructor(
    readonly database: TestDatabase,
    readonly dir: string,
    /** The chain with {@link ROWS} rows. */
    readonly a: string,
    /** A chain with 3 rows, all signed. */
    readonly b: string,
    /** A policy with the platform key. */
    readonly policy: string,
  ) {}

  static async make(): Promise<SignedSite> {
    const dir = mkdtempSync(join(tmpdir(), 'signed-site-'))
    mkdirSync(join(dir, 'mirror'))
    const database = await testDatabase()
    const writer = new Writer(database.url)
    const [a, b] = [await writer.create(), await writer.create()]
    const append = async (domainId: string, to: number) => {
      for (let seq = await rowCount(database.url, domainId); seq < to; seq += 1) await writer.record(domainId)
    }
    const log = await SignedLog.open({
      url: database.url,
      mirrorUrl: pathToFileURL(join(dir, 'mirror')).href,
    })
    const site = new SignedSite(database, dir, a, b, log.policy)
    await append(b, 3)
    await log.enrol()
    for (const size of SIZES) {
      await append(a, size)
      await log.sign()
    }
    await append(a, ROWS)
    const archived = await site.field(database.url, dir).audit('archiver', '--once', '--init-mirror')
    if (archived.code !== 0) throw new Error(archived.stderr)
    await log.close()
    await writer.close()
    return site
  }

  /** Returns a copy of the database and of the mirror. */
  async copied(): Promise<SignedField> {
    const dir = mkdtempSync(join(tmpdir(), 'signed-field-'))
    cpSync(join(this.dir, 'mirror'), join(dir, 'mirror'), { recursive: true })
    const name = `${nameOf(this.database.url)}_${randomBytes(4).toString('hex')}`
    const admin = named(this.database.url, 'postgres')
    await cloneDatabase(admin, name, nameOf(this.database.url))
    return this.field(named(this.database.url, name), dir, async () => {
      await rowsOf(admin, `DROP DATABASE ${name} WITH (FORCE)`)
    })
  }

  field(url: string, dir: string, drop = async (): Promise<void> => {}): SignedField {
    writeFileSync(join(dir, 'audit.policy'), this.policy)
    return new SignedField(url, dir, this.a, this.b, drop)
  }

  async drop(): Promise<void> {
    await this.database.drop()
    rmSync(this.dir, { recursive: true, force: true })
  }
}

/** A copy of a signed log, and what an adversary can do to it. */
export class SignedField {
  readonly env: Record<string, string>

  /** `env`: default the external database, its mirror and a home of its own. */
  constructor(
    readonly url: string,
    readonly dir: string,
    readonly a: string,
    readonly b: string,
    readonly dropDatabase: () => Promise<void>,
    env?: Record<string, string>,
  ) {
    this.env = env ?? {
      AUDIT_DATABASE_URL: url,
      AUDIT_MIRROR_URL: pathToFileURL(join(dir, 'mirror')).href,
      AUDIT_HOME: join(dir, 'home'),
    }
  }

  get policy(): string {
    return join(this.dir, 'audit.policy')
  }

  audit(...args: readonly string[]): Promise<CliResult> {
    return runCli(args, { env: this.env, cwd: this.dir })
  }

  /**
   * Returns what a verify of one chain finds in this process, as `code from-to` of each finding, or as the code of its error. `keys`:
   * `log` for none but those that the log names.
   */
  async judged(domainId: string, source: CopyName, keys: 'policy' | 'log'): Promise<string> {
    const { verdict, error } = await this.outcome(domainId, source, keys)
    return (
      verdict?.findings.map(({ code, seqFrom, seqTo }) => `${code} ${seqFrom}-${seqTo}`).join(', ') ??
      `${error}`
    )
  }

  /** Returns the verdict of a verify in this process, or the code of its error. `run`: `all` for the heads of all chains. */
  async outcome(
    domainId: string,
    source: CopyName,
    keys: 'policy' | 'log',
    run: string = domainId,
  ): Promise<Outcome> {
    const { AUDIT_DATABASE_URL: databaseUrl, AUDIT_MIRROR_URL: mirror, AUDIT_HOME: home } = this.env
    const policy = keys === 'policy' ? this.policy : undefined
    const context = new Context({ databaseUrl, mirror, home, policy }, NEVER)
    try {
      const heads = await openHeads(context, source, run, NEVER)
      const rows = await openSource(context, source, domainId, { signal: NEVER })
      const signed = await heads.of(domainId, NEVER)
      const verdict = await verifyChain(
        rows,
        { domainId, fromSeq: 1, pins: [], signed },
        () => undefined,
        NEVER,
      )
      return { verdict }
    } catch (error) {
      if (error instanceof AuditError) return { error: error.code }
      throw error
    } finally {
      await context.close()
    }
  }

  /** Returns the exit code of a verify and its findings as `code from-to`, or the code of its error. */
  async verify(...args: readonly string[]): Promise<[number | null, string]> {
    const { code, stdout, stderr } = await this.audit('verify', '--json', ...args)
    const results = jsonLines(stdout) as { findings?: readonly JsonFinding[] }[]
    const findings = results
      .flatMap((result) => result.findings ?? [])
      .map((one) => `${one.code} ${one.seq_from}-${one.seq_to}`)
    const error = /"code":\s*"([a-z_]+)"/.exec(stderr)?.[1]
    return [code, [...findings, ...(error === undefined ? [] : [error])].join(', ')]
  }

  sql(statement: string): Promise<void> {
    return asSuperuser(this.url, statement) as Promise<void>
  }

  async rows(domainId: string): Promise<ChainedEntry[]> {
    return (await rowsOf(this.url, ALL_ROWS, [domainId])).map(entryOf)
  }

  /** Rewrites the rows from `from` to `to` and links what follows, in these copies. The chain head moves too. */
  async rewrite(
    domainId: string,
    from: number,
    copies: readonly Copy[],
    to = Number.MAX_SAFE_INTEGER,
  ): Promise<void> {
    const rows = await this.rows(domainId)
    const before = rows[from - 2]
    const suffix = rows.slice(from - 1).map((row) => (row.seq <= to ? { ...row, relation: 'forged' } : row))
    const forged = chained(suffix, before?.entryHash)
    await this.write(forged, copies)
  }

  /** Overwrites rows, and moves the head of the chain to the last of them. */
  async write(rows: readonly ChainedEntry[], copies: readonly Copy[]): Promise<void> {
    const last = rows.at(-1)
    if (last === undefined) return
    if (copies.includes('postgres')) {
      const plain = rows.map((row) => ({ ...row, reason: 1 }))
      await this.sql(plain.map(put).join('') + moveHead(last.seq, last.entryHash, last.domainId))
    }
    if (!copies.includes('mirror')) return
    for (const row of rows)
      this.putObject(mirrorCodec.key(row.domainId, row.seq), await mirrorCodec.encode(row))
  }

  /** Removes the rows after `last`, in these copies. The chain head moves too. */
  async cut(domainId: string, last: number, copies: readonly Copy[]): Promise<void> {
    const rows = await this.rows(domainId)
    const end = rows[last - 1]
    if (copies.includes('mirror'))
      for (const { seq } of rows.slice(last)) this.removeObject(mirrorCodec.key(domainId, seq))
    if (!copies.includes('postgres') || end === undefined) return
    await this.sql(`DELETE FROM audit_log_entry WHERE domain_id = '${domainId}' AND seq > ${last};`)
    await this.sql(moveHead(last, end.entryHash, domainId))
  }

  /** Lets a writer append a row of the platform chain. */
  async appendForged(row: Parameters<SignedLog['append']>[0]): Promise<void> {
    const log = await SignedLog.open({ url: this.url })
    await log.append(row)
    await log.close()
  }

  putObject(key: string, bytes: Uint8Array): void {
    const path = join(this.dir, 'mirror', key)
    mkdirSync(dirname(path), { recursive: true })
    writeFileSync(path, bytes)
  }

  removeObject(key: string): void {
    rmSync(join(this.dir, 'mirror', key), { recursive: true })
  }

  objects(folder: string): string[] {
    return readdirSync(join(this.dir, 'mirror', folder)).sort()
  }

  readObject(key: string): Uint8Array {
    return readFileSync(join(this.dir, 'mirror', key))
  }

  async drop(): Promise<void> {
    await this.dropDatabase()
    rmSync(this.dir, { recursive: true, force: true })
  }
}

export type Copy = 'postgres' | 'mirror'

export type Outcome = { readonly verdict?: Verdict; readonly error?: string }

const NEVER = new AbortController().signal

interface JsonFinding {
  readonly code: string
  readonly seq_from: number
  readonly seq_to: number
}

const ALL_ROWS = `
  SELECT domain_id::text, seq::int, encode(subject_pseudonym, 'hex') AS subject, relation, object, reason, relation_path,
    caveat_context, correlation_id, zedtoken, to_char(recorded_at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"') AS at,
    encode(prev_hash, 'hex') AS prev_hash, encode(entry_hash, 'hex') AS entry_hash
  FROM audit_log_entry WHERE domain_id = $1 ORDER BY seq`

function entryOf(row: Record<string, unknown>): ChainedEntry {
  return {
    domainId: String(row.domain_id),
    seq: Number(row.seq),
    subjectPseudonym: String(row.subject),
    relation: String(row.relation),
    object: String(row.object),
    reason: reasonName(Number(row.reason)) ?? 'granted',
    relationPath: row.relation_path as string[],
    caveatContext: row.caveat_context as string[],
    correlationId: String(row.correlation_id),
    zedtoken: String(row.zedtoken),
    recordedAt: parseTimestamp(String(row.at)),
    prevHash: String(row.prev_hash),
    entryHash: String(row.entry_hash),
  }
}

async function rowCount(url: string, domainId: string): Promise<number> {
  return Number(
    (await rowsOf(url, 'SELECT count(*) AS n FROM audit_log_entry WHERE domain_id = $1', [domainId]))[0]?.n,
  )
}

const nameOf = (url: string) => /@\/([^?]+)/.exec(url)?.[1] ?? ''
const named = (url: string, name: string) => url.replace(`@/${nameOf(url)}`, `@/${name}`)

export const PLATFORM = PLATFORM_ANCHOR
