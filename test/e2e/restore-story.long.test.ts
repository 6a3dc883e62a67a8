import { cpSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { compress, decompress } from '@mongodb-js/zstd'
import { afterAll, describe, expect, it } from 'vitest'
import { PLATFORM_ANCHOR } from '../../src/chain/uuid.js'
import { ROOT, runCli } from '../support/cli.js'
import { Installation } from '../support/mirror-attacks/installation.js'
import { keyOf } from '../support/mirror-attacks/objects.js'
import { S3_SERVER, S3Site } from '../support/mirror-attacks/s3-site.js'

const EVENTS = join(ROOT, 'docs/demo/cloudtrail')
const NOWHERE = {
  AUDIT_HOME: '/nonexistent/home',
  AUDIT_DATABASE_URL: 'postgresql://postgres@/audit?host=/nonexistent',
}
const EDITED_SEQ = 50

interface Head {
  readonly seq: number
  readonly hash: string
}

/** Where the mirror is, and how an investigator gets a copy of it. */
interface Kind {
  readonly name: string
  /** The number of files of real events that this kind can handle in a few seconds. */
  readonly files: number
  /** Whether the store keeps the time at which an object was stored. The suite's own server has a clock of the past. */
  readonly hasClock: boolean
  open(): Promise<{ url: string; env: Readonly<Record<string, string>>; copyTo(dir: string): Promise<void> }>
}

let site: S3Site | undefined
const root = mkdtempSync(join(tmpdir(), 'restore-'))
afterAll(async () => {
  await site?.stop()
  rmSync(root, { recursive: true, force: true })
})

const KINDS: readonly Kind[] = [
  {
    name: 'a directory',
    files: Number.POSITIVE_INFINITY,
    hasClock: true,
    open: async () => {
      const dir = join(root, 'mirror')
      const copyTo = async (copy: string) => cpSync(dir, copy, { recursive: true })
      return { url: pathToFileURL(dir).href, env: {}, copyTo }
    },
  },
  {
    name: `a bucket on ${S3_SERVER}`,
    files: 2,
    hasClock: process.env.AUDIT_TEST_S3_ENDPOINT !== undefined,
    open: async () => {
      const own = await S3Site.start()
      site = own
      return { url: own.url('run'), env: own.env, copyTo: (copy) => own.syncTo('run', copy) }
    },
  },
]

function eventFiles(limit: number): string[] {
  return readdirSync(EVENTS)
    .filter((name) => name.endsWith('.json.gz'))
    .sort()
    .slice(0, limit)
    .map((name) => join(EVENTS, name))
}

/** Verifies as an investigator does, with the copy but without a database, a home or credentials. */
function offline(dir: string, ...words: string[]) {
  const flags = ['--source', 'mirror', '--mirror', pathToFileURL(dir).href]
  return runCli(['verify', ...flags, ...words, '--json'], { env: NOWHERE })
}

/** Edits one field of one object, and writes the object back in its format. */
async function editObject(dir: string, domainId: string): Promise<void> {
  const path = join(dir, keyOf(domainId, EDITED_SEQ))
  const json = (await decompress(readFileSync(path))).toString('utf8')
  const edited = json.replace(/"reason":"[a-z_]+"/, '"reason":"caveat_violation"')
  expect(edited).not.toBe(json)
  writeFileSync(path, await compress(Buffer.from(edited)))
}

const headOf = (results: readonly Record<string, unknown>[], domainId: string) =>
  results.find((result) => result.domain_id === domainId)?.head as Head

describe.each(KINDS.map((kind) => [kind.name, kind] as const))('a chain mirrored to %s', (name, kind) => {
  it('outlives its Postgres', async () => {
    const mirror = await kind.open()
    const copy = join(root, `copy of ${name.replaceAll(/\W/g, '-')}`)
    const before = new Installation(mirror.url, mirror.env)

    // Append and archive.
    const [created] = await before.json('domain', 'create', '--name', 'acme')
    const domainId = String(created?.domain_id)
    const chain = ['--domain', domainId]
    const files = eventFiles(kind.files)
    const appended = await before.json('append', '--format', 'cloudtrail', ...chain, ...files)
    expect(appended.length).toBeGreaterThan(EDITED_SEQ)
    await before.json(
      'append',
      ...chain,
      '--subject',
      'mallory',
      '--relation',
      'secret.read',
      '--object',
      'secret:db',
    )
    await before.json('archiver', '--once')
    const saved = await before.json('verify', '--all', '--source', 'both')
    const head = headOf(saved, domainId)
    expect(head).toMatchObject({ seq: appended.length + 2 })
    const heads = join(root, `heads-${domainId}.ndjson`)
    writeFileSync(heads, saved.map((line) => JSON.stringify(line)).join('\n'))

    // Copy the mirror, and verify the copy while Postgres is stopped.
    await before.json('db', 'stop')
    await mirror.copyTo(copy)
    const verified = await offline(copy, '--all', '--expect-heads', heads)
    expect(verified).toMatchObject({ code: 0, stderr: '' })
    const results = verified.stdout
      .split('\n')
      .filter(Boolean)
      .map((line) => JSON.parse(line))
    expect(headOf(results, domainId)).toEqual(head)
    expect(results.at(-1)).toMatchObject({ summary: { ok: true, chains: 2, findings: 0 } })

    // Edit an object: verify names it.
    const evidence = `${copy} edited`
    cpSync(copy, evidence, { recursive: true })
    await editObject(evidence, domainId)
    const accused = await offline(evidence, ...chain)
    expect(accused.code).toBe(1)
    expect(JSON.parse(accused.stdout)).toMatchObject({
      ok: false,
      divergent_seq: EDITED_SEQ,
      findings: [{ code: 'object_malformed', seq_from: EDITED_SEQ, seq_to: EDITED_SEQ }],
    })

    // Lose Postgres and keep the key file: both chains are restored with the same heads.
    const after = new Installation(mirror.url, mirror.env)
    after.takeKeyOf(before)
    await before.drop()
    const [platform] = await after.json('archive', 'restore', '--platform')
    expect(platform).toMatchObject({
      complete: true,
      head: headOf(saved, PLATFORM_ANCHOR),
      verify: { ok: true },
    })
    const pin = `${head.seq}:${head.hash}`
    const [restored] = await after.json('archive', 'restore', ...chain, '--expect-head', pin)
    expect(restored).toMatchObject({ domain_id: domainId, rows: head.seq, head, complete: true, broken: [] })
    if (kind.hasClock) expect(restored?.mirror_lag_seconds).toBeGreaterThanOrEqual(0)
    else expect(restored).not.toHaveProperty('mirror_lag_seconds')
    expect(restored?.verify).toMatchObject({ ok: true, source: 'both', rows: head.seq, unarchived: 0, head })

    // Continue with the same pseudonyms and into the same mirror.
    const line = ['--subject', 'mallory', '--relation', 'secret.write', '--object', 'secret:db']
    const [next] = await after.json('append', ...chain, ...line)
    expect(next).toMatchObject({ seq: head.seq + 1 })
    const found = await after.json('list', ...chain, '--subject-id', 'mallory', '--all')
    expect(found.map(({ seq }) => seq)).toEqual([head.seq, head.seq + 1])
    await after.json('archiver', '--once')
    const all = await after.json('verify', '--all', '--source', 'both', '--expect-heads', heads)
    expect(all.at(-1)).toMatchObject({ summary: { ok: true, chains: 2, findings: 0 } })
    expect(headOf(all, domainId).seq).toBe(head.seq + 1)
    await after.drop()
  })
})
