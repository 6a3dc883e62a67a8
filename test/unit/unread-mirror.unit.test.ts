import { expect, it } from 'vitest'
import { AuditError } from '../../src/base/errors.js'
import { nobleHasher } from '../../src/chain/hash.js'
import type { EntrySource, ScanRequest } from '../../src/ports/verify.js'
import { ReportCollector } from '../../src/report/collector.js'
import { BothOrPostgres } from '../../src/verify/mirror/unread-mirror.js'
import { OneCopy } from '../../src/verify/one-copy.js'
import { chainOf, DOMAIN, stored } from '../support/chain-builder.js'

const rows = chainOf(8)

/** A source that reads so many rows and then fails, where it has more of them. */
function source(name: 'postgres' | 'both', readable: number): EntrySource {
  return {
    name,
    keepsHead: true,
    scan: async (request: ScanRequest) => {
      const copy = new OneCopy(request, nobleHasher)
      for (const row of rows.slice(0, readable)) {
        copy.list(row.seq)
        copy.add({ kind: 'row', seq: row.seq, row: stored(row), etag: '' })
      }
      if (readable < rows.length) throw new AuditError('mirror_unavailable', 'the mirror is away')
      return { known: true, ...copy.finish() }
    },
  }
}

it('gives an observer each row once, where the mirror fails amid the rows', async () => {
  const listed: number[] = []
  const observer = new ReportCollector({
    fromSeq: 1,
    list: ({ seq }) => listed.push(seq) > 0,
    unlist: () => void listed.splice(0),
  })
  const both = new BothOrPostgres(source('both', 5), source('postgres', rows.length))
  const request = { domainId: DOMAIN, fromSeq: 1, pins: [], observer }
  const scan = await both.scan(request, () => undefined, new AbortController().signal)
  expect(scan.doubts?.map(({ code }) => code)).toEqual(['mirror_unavailable'])
  expect(listed).toEqual(rows.map(({ seq }) => seq))
  expect(observer.result({ top: 1, bars: 1 }).rows).toBe(rows.length)
})
