import { unlink } from 'node:fs/promises'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { backfillChain } from '../../src/archive/backfill.js'
import type { ChainedEntry } from '../../src/chain/entry.js'
import { ArchiveFixture, type Archiver, NEVER, totals } from '../support/archive-fixture.js'
import { unstampSql } from '../support/archive-stamps.js'
import { chainRows, insertRows } from '../support/chain-rows.js'
import { asSuperuser } from '../support/postgres.js'

const ARCHIVED = 4
const ROWS = 12

let fixture: ArchiveFixture
let rows: ChainedEntry[]
let domainId: string
const hashAt = (seq: number) => rows[seq - 1]?.entryHash ?? ''

/** Makes a chain whose first rows are archived. */
beforeEach(async () => {
  fixture = await ArchiveFixture.make()
  const archived = await fixture.chain(ARCHIVED)
  domainId = archived[0]?.domainId ?? ''
  expect(totals(await fixture.archiver().once())).toMatchObject({ stamped: ARCHIVED })
  const more = chainRows(domainId, Array(ROWS - ARCHIVED).fill({}), ARCHIVED + 1, archived.at(-1)?.entryHash)
  await insertRows(fixture.url, more)
  rows = [...archived, ...more]
})
afterEach(() => fixture.drop())

/** Rewrites rows as an attacker would: other content, with hashes and links that fit. */
async function rewrite(from: number, to: number, also = ''): Promise<void> {
  const forged = chainRows(
    domainId,
    Array(to - from + 1).fill({ relation: 'project.delete' }),
    from,
    hashAt(from - 1),
  )
  await asSuperuser(fixture.url, async (client) => {
    for (const row of forged) {
      await client.query(
        `UPDATE audit_log_entry SET relation = 'project.delete', prev_hash = decode($3, 'hex'), entry_hash = decode($4, 'hex')
         WHERE domain_id = $1 AND seq = $2`,
        [domainId, row.seq, row.prevHash, row.entryHash],
      )
    }
    await client.query(also.replaceAll('FORGED', forged.at(-1)?.entryHash ?? ''))
  })
}

const HEAD = `UPDATE audit_log_chain_head SET head_hash = decode('FORGED', 'hex')`
const ROW = 'UPDATE audit_log_entry SET'

function findingsOf(archiver: Archiver): string[] {
  return archiver.found.map(
    ({ source, finding }) => `${source} ${finding.code} ${finding.seqFrom}-${finding.seqTo}`,
  )
}

const to = (from: number, last: number) => Array.from({ length: last - from + 1 }, (_, i) => from + i)

describe('the archiver, of rewritten rows without a stamp,', () => {
  it.each<[string, () => Promise<void>, number[], string[]]>([
    [
      'finds rewritten rows by the link of the row after them',
      () => rewrite(7, 9),
      to(5, 9),
      ['postgres broken_link 10-10'],
    ],
    [
      'finds rewritten rows by the hash of the row after them, whose link was corrected',
      () => rewrite(7, 9, `${ROW} prev_hash = decode('FORGED', 'hex') WHERE seq = 10`),
      to(5, 10),
      ['postgres entry_hash_mismatch 10-10'],
    ],
    [
      'finds rewritten rows by the gap after them',
      () => rewrite(7, 9, 'DELETE FROM audit_log_entry WHERE seq = 10'),
      [5, 6, 7, 8, 9],
      ['postgres seq_gap 10-10'],
    ],
    [
      'finds rows that were rewritten to the end by the head',
      () => rewrite(7, 12),
      to(5, 12),
      ['postgres head_mismatch 12-12'],
    ],
    [
      'finds rows that were rewritten from an archived row to the head by the mirror',
      () => rewrite(3, 12, HEAD),
      to(5, 12),
      ['postgres broken_link 5-5'],
    ],
    [
      'archives rows that were rewritten to the end together with the head, which only a pin finds',
      () => rewrite(7, 12, HEAD),
      [],
      [],
    ],
  ])('%s', async (_name, attack, held, findings) => {
    await attack()
    const archiver = fixture.archiver()
    for (const _pass of [1, 2]) {
      expect((await archiver.once())[0]?.drained.held ?? 0).toBe(held.length)
      expect(await fixture.unstamped(domainId)).toEqual(held)
      expect(findingsOf(archiver)).toEqual(findings)
    }
    expect(await fixture.problems(rows.slice(0, ARCHIVED))).toEqual([])
    // Backfill holds back the same rows as the archiver.
    const deps = { ...archiver.deps, ledger: archiver.ledger, onProgress: () => undefined }
    const done = await backfillChain({ domainId, dryRun: false }, deps, NEVER)
    expect(done).toMatchObject({ uploaded: 0, held: held.length, failed: 0 })
    const names = await fixture.objects(domainId)
    expect(names.map((name) => Number.parseInt(name, 10))).toEqual(
      to(1, ROWS).filter(
        (seq) => !held.includes(seq) && !findings.some((f) => f.endsWith(`seq_gap ${seq}-${seq}`)),
      ),
    )
  })

  it('compares them with the object after them, also where its row was rewritten too', async () => {
    await fixture.archiver().once()
    for (const seq of [6, 7]) await unlink(fixture.pathOf(domainId, seq))
    await asSuperuser(fixture.url, unstampSql('seq IN (6, 7)'))
    await rewrite(6, 8)
    const archiver = fixture.archiver()
    expect(totals(await archiver.once())).toEqual({ stamped: 0, held: 2, failed: 0 })
    expect(findingsOf(archiver)).toEqual(['postgres broken_link 8-8'])
    expect(await fixture.objects(domainId)).toHaveLength(ROWS - 2)
  })

  it('uploads none that are rewritten during the upload', async () => {
    const archiver = fixture.archiver({
      queue: (queue) => ({
        ...queue,
        scan: async (...args) => {
          const facts = await queue.scan(...args)
          await rewrite(7, 12, HEAD)
          return facts
        },
      }),
    })
    expect(totals(await archiver.once())).toEqual({ stamped: 0, held: ROWS - ARCHIVED, failed: 0 })
    expect(findingsOf(archiver)).toEqual(['postgres broken_link 5-12'])
    expect(await fixture.objects(domainId)).toHaveLength(ARCHIVED)
  })

  it('continues where an archived row was edited and the mirror has the original', async () => {
    await rewrite(4, 4)
    const archiver = fixture.archiver()
    expect(totals(await archiver.once())).toMatchObject({ stamped: ROWS - ARCHIVED, held: 0 })
    expect(findingsOf(archiver)).toEqual(['postgres broken_link 5-5'])
  })
})
