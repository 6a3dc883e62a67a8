import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { BundleReader } from '../../src/bundle/read/bundle-reader.js'
import { mirrorCodec } from '../../src/mirror/object/codec.js'
import type { EntryReader } from '../../src/ports/query.js'
import { MirrorReader } from '../../src/query/mirror-reader.js'
import type { ReadProblem } from '../../src/query/read-problem.js'
import { postgresEntryReader, postgresKeyReader } from '../../src/repo/query/entry-reader.js'
import { Database } from '../../src/repo/session/database.js'
import { entryReaderContract } from '../support/entry-reader-contract.js'
import { S3_SERVER } from '../support/mirror-attacks/s3-site.js'
import { CHAIN, ReadCopies } from '../support/read-copies.js'

const { signal } = new AbortController()
let copies: ReadCopies
let database: Database
const problems: ReadProblem[] = []
const onProblem = (problem: ReadProblem) => problems.push(problem)

beforeAll(async () => {
  copies = await ReadCopies.make()
  database = new Database(copies.database.url)
}, 120_000)

afterAll(async () => {
  await database.close()
  await copies.drop()
})

async function mirrorReader(url: string): Promise<EntryReader> {
  return new MirrorReader({
    store: await copies.store(url),
    codec: mirrorCodec,
    signal,
    onProblem,
    patience: 0,
  })
}

const reference = () => postgresKeyReader(database)

entryReaderContract('PostgreSQL by its indexes', async () => postgresEntryReader(database), reference)
entryReaderContract('a directory', () => mirrorReader(copies.directoryUrl), reference)
entryReaderContract(`a bucket of ${S3_SERVER}`, () => mirrorReader(copies.bucketUrl), reference)
entryReaderContract('a bundle', async () => BundleReader.open(await copies.bundle(), onProblem), reference)

describe('a copy whose rows can all be decoded', () => {
  it('has no problem', () => {
    expect(problems).toEqual([])
  })
})

describe('a bundle of a range', () => {
  it('links its first row to the predecessor in its manifest', async () => {
    const reader = await BundleReader.open(await copies.bundle(41), onProblem)
    const [first] = await reader.page(CHAIN, {}, { after: 0, limit: 1 })
    expect(first?.seq).toBe(41)
    expect(first?.previous?.seq).toBe(40)
    await reader.close()
  })
})
