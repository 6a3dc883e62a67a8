import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { nodeHasher } from '../../src/base/node-hasher.js'
import { bundleFiles } from '../../src/bundle/bundle-files.js'
import { exportChain } from '../../src/bundle/export-chain.js'
import { OutputFile } from '../../src/bundle/output-file.js'
import { BundleReader } from '../../src/bundle/read/bundle-reader.js'
import { copyExport, withinSelection } from '../../src/bundle/read/copy-export.js'
import { verifyBundle } from '../../src/bundle/verify-bundle.js'
import { mirrorCodec } from '../../src/mirror/object/codec.js'
import type { ExportRequest } from '../../src/ports/bundle.js'
import { MirrorReader } from '../../src/query/mirror-reader.js'
import type { ReadProblem } from '../../src/query/read-problem.js'
import { T0 } from '../support/chain-rows.js'
import { Exports, TOOL } from '../support/exports.js'
import { CHAIN, ReadCopies } from '../support/read-copies.js'

const { signal } = new AbortController()
const exports = new Exports()
let copies: ReadCopies

beforeAll(async () => {
  copies = await ReadCopies.make()
}, 120_000)

afterAll(async () => {
  exports.remove()
  await copies.drop()
})

type Request = Omit<ExportRequest, 'domainId' | 'filter'> & Partial<Pick<ExportRequest, 'filter'>>

async function fromMirror(request: Partial<ExportRequest>, problems: ReadProblem[] = []) {
  const store = await copies.store(copies.directoryUrl)
  const onProblem = (problem: ReadProblem) => problems.push(problem)
  const reader = new MirrorReader({ store, codec: mirrorCodec, signal, onProblem, patience: 0 })
  return write({ domainId: CHAIN, filter: {}, ...request }, { reader })
}

async function fromBundle(path: string, request: Request) {
  const reader = await BundleReader.open(path, () => undefined)
  const { selection, head } = reader
  try {
    const within = withinSelection({ domainId: CHAIN, filter: {}, ...request }, selection)
    return await write(within, { reader, selection, head })
  } finally {
    await reader.close()
  }
}

async function write(request: ExportRequest, copy: Parameters<typeof copyExport>[0]) {
  const path = exports.path()
  const output = new OutputFile(path, false)
  const deps = { store: copyExport(copy), output, hasher: nodeHasher, files: bundleFiles(), tool: TOOL }
  return { path, ...(await exportChain(request, deps, () => undefined, signal)) }
}

const fromPostgres = (request: Request) => exports.write(copies.database.url, { domainId: CHAIN, ...request })

async function verified(path: string) {
  const request = { path, pinsOf: () => [], allowFiltered: true }
  const verdict = await verifyBundle(request, nodeHasher, () => undefined, signal)
  return verdict.findings.map(({ code, seqFrom, seqTo }) => [code, seqFrom, seqTo])
}

/** Selections that name the end of their range, so that no chain head belongs to them. */
const RANGES: readonly (readonly [string, Request])[] = [
  ['a range', { fromSeq: 30, toSeq: 70 }],
  ['a filter', { fromSeq: 1, toSeq: 150, filter: { relation: 'project.read' } }],
  ['a time range', { from: T0 + 90_000_000n, to: T0 + 99_000_000n }],
]

describe('an export from a mirror', () => {
  it.each(RANGES)('has the rows and findings of an export from PostgreSQL: %s', async (_name, request) => {
    const [mirror, postgres] = [await fromMirror(request), await fromPostgres(request)]
    expect(mirror.manifest).toEqual({ ...postgres.manifest, head: undefined })
    expect(mirror.findings).toEqual(postgres.findings)
    expect(await verified(mirror.path)).toEqual(await verified(postgres.path))
  })

  it('of the whole chain is a range, because a mirror keeps no head', async () => {
    const { selection, path } = await fromMirror({})
    expect(selection).toMatchObject({ kind: 'range', fromSeq: 1, toSeq: 150, toEnd: false })
    expect(await verified(path)).toEqual([
      ['entry_hash_mismatch', 20, 20],
      ['broken_link', 41, 41],
      ['seq_gap', 60, 62],
    ])
  })

  it.each([
    ['an unknown chain', { domainId: '018f0000-0000-7000-8000-00000000000f' }, 'domain_not_found'],
    ['rows behind the end', { fromSeq: 151 }, 'nothing_to_verify'],
    ['a time without rows', { from: 0n, to: 1n }, 'nothing_to_verify'],
    ['a filter without rows', { filter: { relation: 'nothing' } }, 'nothing_to_verify'],
  ])('rejects %s', async (_name, request, code) => {
    await expect(fromMirror(request)).rejects.toMatchObject({ code })
  })
})

describe('an export from a bundle', () => {
  it('as a whole is the same file', async () => {
    const path = await copies.bundle()
    expect(readFileSync((await fromBundle(path, {})).path).equals(readFileSync(path))).toBe(true)
  })

  it.each(RANGES)('has the rows and findings of an export from PostgreSQL: %s', async (_name, request) => {
    const part = await fromBundle(await copies.bundle(), request)
    const postgres = await fromPostgres(request)
    expect(part.manifest).toEqual(postgres.manifest)
    expect(await verified(part.path)).toEqual(await verified(postgres.path))
  })

  it('of a selection keeps its filter', async () => {
    const held = await fromPostgres({ filter: { relation: 'project.read' } })
    const part = await fromBundle(held.path, { filter: { reason: 'granted' } })
    expect(part.selection.filter).toEqual({ relation: 'project.read', reason: 'granted' })
    expect(await verified(part.path)).toEqual([])
    const other = fromBundle(held.path, { filter: { relation: 'project.write' } })
    await expect(other).rejects.toMatchObject({ code: 'nothing_to_verify' })
  })

  it('rejects rows outside of its selection', async () => {
    const path = await copies.bundle(41)
    for (const request of [{ fromSeq: 40 }, { toSeq: 151 }])
      await expect(fromBundle(path, request)).rejects.toMatchObject({ code: 'nothing_to_verify' })
  })
})

describe('a mirror with an object that cannot be decoded', () => {
  beforeAll(() => {
    writeFileSync(join(fileURLToPath(copies.directoryUrl), mirrorCodec.key(CHAIN, 100)), 'garbage')
  })

  it('is exported with the row as damaged, and the bundle verifies as damaged there', async () => {
    const { path } = await fromMirror({ fromSeq: 90, toSeq: 110 })
    expect(await verified(path)).toEqual([['malformed_row', 100, 100]])
  })

  it('reports the row where a filter leaves it out', async () => {
    const problems: ReadProblem[] = []
    await fromMirror({ fromSeq: 90, toSeq: 110, filter: { relation: 'project.read' } }, problems)
    expect(problems).toMatchObject([
      { seq: 100, problem: expect.stringContaining('row 100 has no canonical') },
    ])
  })
})
