import { execFileSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { OutputFile } from '../../src/bundle/output-file.js'
import { wireFinding } from '../../src/json/finding.js'
import { A, a, B, CHAINS, rewritten } from '../support/attacks/chains.js'
import { EDITED } from '../support/attacks/edited.js'
import { type AttackFixture, attackFixture, type Field } from '../support/attacks/fixture.js'
import { FORCED } from '../support/attacks/forced.js'
import { REMOVED } from '../support/attacks/removed.js'
import { change, insert, moveHead, NO_CHECKS, NO_KEYS, put, set } from '../support/attacks/statements.js'
import { built, partsOf } from '../support/bundle-attacks/bundle.js'
import { type Said, VERIFIERS } from '../support/bundle-attacks/verifiers.js'
import { chainRows, insertRows } from '../support/chain-rows.js'
import { Exports } from '../support/exports.js'

/** Every attack together would take 30 s, and would show the same. */
const SAMPLE = Number(process.env.AUDIT_TEST_SAMPLE ?? 8)

const exports = new Exports()
let fixture: AttackFixture
let honest: Field

beforeAll(async () => {
  fixture = await attackFixture()
  honest = await fixture.attacked('')
})
afterAll(async () => {
  await honest.drop()
  await fixture.drop()
  exports.remove()
})

async function saidOf(runs: readonly (readonly string[])[]): Promise<Said[][]> {
  return Promise.all(Object.values(VERIFIERS).map((verify) => verify(runs)))
}

const refused = (writing: Promise<unknown>) => writing.catch((error: unknown) => error)

const ROWS = CHAINS[A]

describe('a bundle', () => {
  it('has the bytes that docs/evidence.md describes', async () => {
    const { path, written, manifest } = await exports.write(honest.url, { domainId: A })
    const bytes = readFileSync(path)
    expect(bytes.equals(built(partsOf({ rows: ROWS, perSegment: 8 })))).toBe(true)
    expect(written).toEqual({
      bytes: bytes.length,
      sha256: createHash('sha256').update(bytes).digest('hex'),
    })
    expect(manifest.rows).toBe(8)
  })

  it('is the same file for each export', async () => {
    const [one, other] = [
      await exports.write(honest.url, { domainId: A }),
      await exports.write(honest.url, { domainId: A }),
    ]
    expect(readFileSync(one.path).equals(readFileSync(other.path))).toBe(true)
  })

  it('is readable by tar, and its rows by gzip', async () => {
    const { path, manifest } = await exports.write(honest.url, { domainId: A })
    const tar = (...args: string[]) => execFileSync('tar', [...args, '-f', path]).toString()
    const members = tar('-t').trimEnd().split('\n')
    expect(members).toEqual([
      'audit-bundle/manifest.json',
      'audit-bundle/README.txt',
      'audit-bundle/verify-bundle.mjs',
      'audit-bundle/verify_bundle.py',
      'audit-bundle/rows/00000001.ndjson.gz',
    ])
    expect(JSON.parse(tar('-x', '-O', 'audit-bundle/manifest.json'))).toEqual(
      JSON.parse(JSON.stringify(manifest)),
    )
    const rows = execFileSync('sh', ['-c', `tar -xOf "$0" ${members.at(-1)} | gzip -dc`, path]).toString()
    expect(createHash('sha256').update(rows).digest('hex')).toBe(manifest.segments[0]?.sha256)
    expect(
      rows
        .trimEnd()
        .split('\n')
        .map((line) => JSON.parse(line).entry_hash),
    ).toEqual(ROWS.map(({ entryHash }) => entryHash))
  })

  it('ends a segment before it is too long, and links the next one to it', async () => {
    const field = await fixture.attacked('')
    const long = Array.from({ length: 80 }, (_, i) => ({
      relationPath: Array(64).fill(`${i % 10}`.repeat(500)),
    }))
    await insertRows(field.url, chainRows(A, long, 9, ROWS[7]?.entryHash))
    const { path, manifest } = await exports.write(field.url, { domainId: A })
    await field.drop()
    expect(manifest.segments.map(({ bytes }) => bytes > 1.9e6 && bytes <= 2 * 1024 * 1024)).toEqual([
      true,
      false,
    ])
    // The repeats compress like a zip bomb, and every verifier still accepts the file.
    expect((await saidOf([[path]])).map(([one]) => [one?.exit, one?.result?.rows])).toEqual(
      Array(3).fill([0, 88]),
    )
  })
})

/** Rows are recorded one second apart, the first at 0. */
const T = (seconds: number) => (ROWS[0]?.recordedAt ?? 0n) + BigInt(seconds * 1000) * 1000n
const RENAMED = { relation: 'project.update' }
const SELECTIONS = [
  ['all rows', {}, 'chain', 1, 8, 8],
  ['a range of seqs', { fromSeq: 3, toSeq: 5 }, 'range', 3, 5, 3],
  ['the rows from a seq on', { fromSeq: 3 }, 'range', 3, 8, 6],
  ['the rows up to a seq', { toSeq: 5 }, 'range', 1, 5, 5],
  ['one row', { fromSeq: 8, toSeq: 8 }, 'range', 8, 8, 1],
  ['a range of times', { from: T(2), to: T(4) }, 'range', 3, 5, 3],
  ['a range of times that ends between two rows', { from: T(2), to: T(4.5) }, 'range', 3, 5, 3],
  ['the rows from a time on', { from: T(2) }, 'range', 3, 8, 6],
  ['the rows up to a time', { to: T(4) }, 'range', 1, 5, 5],
  ['the rows of a relation', { filter: RENAMED }, 'filtered', 1, 8, 7],
  ['the rows of an object', { filter: { objectType: 'project', objectId: 'a4' } }, 'filtered', 1, 8, 1],
  ['the rows of a subject', { filter: { subjectPseudonym: '4'.repeat(64) } }, 'filtered', 1, 8, 1],
  [
    'the rows of a range with a reason',
    { fromSeq: 2, toSeq: 6, filter: { reason: 'granted' } },
    'filtered',
    2,
    6,
    5,
  ],
] as const

describe('a selection', () => {
  it.each(SELECTIONS)('holds %s', async (_, request, kind, from, to, rows) => {
    const { path, manifest } = await exports.write(honest.url, { domainId: A, ...request })
    expect(manifest.selection).toMatchObject({ kind, from_seq: from, to_seq: to })
    expect(manifest.rows).toBe(rows)
    const said = (await saidOf([[path, '--allow-filtered'], [path]])).map((all) =>
      all.map(({ exit }) => exit),
    )
    expect(said).toEqual(Array(3).fill([0, kind === 'filtered' ? 3 : 0]))
  })

  it.each([
    ['a filter that matches no row', A, { filter: { relation: 'x' } }, 'nothing_to_verify'],
    ['a filter with a quote', A, { filter: { correlationId: "req-4'" } }, 'nothing_to_verify'],
    ['a time without rows', A, { from: T(100) }, 'nothing_to_verify'],
    ['a range beyond the end', A, { fromSeq: 9 }, 'nothing_to_verify'],
    ['a range that ends beyond the end', A, { toSeq: 9 }, 'nothing_to_verify'],
    ['an unknown chain', B.replace(/.$/, '9'), {}, 'domain_not_found'],
  ])('refuses %s, and leaves no file', async (_, domainId, request, code) => {
    const before = readdirSync(exports.dir)
    expect(await refused(exports.write(honest.url, { domainId, ...request }))).toMatchObject({ code })
    expect(readdirSync(exports.dir)).toEqual(before)
  })
})

describe('the file', () => {
  it('replaces an existing file only with force', async () => {
    const path = exports.path()
    writeFileSync(path, 'mine')
    expect(await refused(exports.write(honest.url, { domainId: A }, { path }))).toMatchObject({
      code: 'output_exists',
    })
    expect(readFileSync(path, 'utf8')).toBe('mine')
    await exports.write(honest.url, { domainId: A }, { path, force: true })
    expect(await VERIFIERS.product?.([[path]])).toMatchObject([{ exit: 0 }])
  })

  it('rejects a missing directory', async () => {
    const path = join(exports.dir, 'missing', 'x.tar')
    expect(await refused(exports.write(honest.url, { domainId: A }, { path }))).toMatchObject({
      code: 'output_failed',
    })
  })

  it('rejects with output_failed for every failed write', async () => {
    const output = new OutputFile(exports.path(), false)
    const file = await output.scratch()
    await file.close()
    expect(await refused(output.guarded(() => file.writeFile('x')))).toMatchObject({ code: 'output_failed' })
    expect(readdirSync(exports.dir).filter((name) => name.startsWith('.'))).toEqual([])
  })

  it('leaves no file and no draft after an export that was stopped', async () => {
    const before = readdirSync(exports.dir)
    await expect(
      exports.write(honest.url, { domainId: A }, { signal: AbortSignal.abort(new Error('stop')) }),
    ).rejects.toThrow('stop')
    expect(readdirSync(exports.dir)).toEqual(before)
  })
})

/** The attacks on the chain that verify finds in Postgres alone. */
const ATTACKS = [...EDITED, ...REMOVED, ...FORCED].filter(
  ({ verify, exit, name }) =>
    verify === undefined && exit < 2 && !/^gone: (all rows|rows and head|rows, head)|generation/.test(name),
)

describe('exportChain, of a chain that diverges,', () => {
  it.each(ATTACKS.filter((_, i) => i % SAMPLE === 0))(
    'writes the damage of $name',
    async ({ sql, findings, exit }) => {
      const field = await fixture.attacked(sql)
      const expected = findings.map(({ chain, ...finding }) => finding)
      try {
        const { path, findings: found, manifest } = await exports.write(field.url, { domainId: A })
        expect(found.map(wireFinding).map(({ detail, ...finding }) => finding)).toEqual(expected)
        expect(manifest.findings.total).toBe(expected.length)
        for (const [one] of await saidOf([[path]])) {
          const all = (one?.result?.findings ?? []) as { detail: string }[]
          expect(all.map(({ detail, ...finding }) => finding)).toEqual(expected)
          expect(one?.exit).toBe(exit)
        }
      } finally {
        await field.drop()
      }
    },
  )

  it('reports no damage before the range', async () => {
    const field = await fixture.attacked(NO_KEYS + insert({ ...a(3), entryHash: 'f'.repeat(64) }))
    const { path, findings } = await exports.write(field.url, { domainId: A, fromSeq: 4 })
    await field.drop()
    expect(findings).toEqual([])
    expect((await saidOf([[path]])).map(([one]) => one?.exit)).toEqual([0, 0, 0])
  })

  it('finds rewritten last rows only with a pin', async () => {
    const rows = rewritten(4, { relation: 'x' })
    const head = rows.at(-1)?.entryHash ?? ''
    const field = await fixture.attacked([...rows.map(put), moveHead(8, head)].join(''))
    const { path, findings } = await exports.write(field.url, { domainId: A })
    await field.drop()
    expect(findings).toEqual([])
    const said = await saidOf([[path], [path, '--expect-head', `8:${a(8).entryHash}`]])
    expect(said.map((all) => all.map(({ exit }) => exit))).toEqual(Array(3).fill([0, 1]))
  })

  it('refuses a row of an unknown generation', async () => {
    const field = await fixture.attacked(NO_CHECKS + set(4, 'generation = 2') + change(6, { relation: 'x' }))
    expect(await refused(exports.write(field.url, { domainId: A }))).toMatchObject({
      code: 'generation_unknown',
    })
    await field.drop()
  })
})
