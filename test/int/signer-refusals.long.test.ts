import { mkdir, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { AuditError } from '../../src/base/errors.js'
import { PLATFORM_ANCHOR } from '../../src/chain/uuid.js'
import { Signer } from '../../src/signer/sign-pass.js'
import { NEVER } from '../support/archive-fixture.js'
import { stampSql, unstampSql } from '../support/archive-stamps.js'
import { chainRows, insertRows } from '../support/chain-rows.js'
import { LogSigner } from '../support/log-signer.js'
import { asSuperuser, rowsOf } from '../support/postgres.js'
import { KEY_FILE, LOG_NAME, SigningFixture } from '../support/signing-fixture.js'
import { hex, sha256 } from '../support/tlog-vectors.js'

let log: SigningFixture
/** Returns a Domain of 8 archived rows, the first 3 of them signed. */
let begun: () => string
beforeAll(async () => {
  log = await SigningFixture.make()
  begun = await log.begun(44, 8)
})
afterAll(() => log.drop())

const sql = (text: string) => asSuperuser(log.url, text)

/** Returns the folder of the records of a chain. */
function stateFolder(domainId: string, home = 'home'): string {
  const origin = `${LOG_NAME}/${domainId}`
  return join(log.log.dir, home, 'signer', hex(sha256(new TextEncoder().encode(origin))))
}

/** Puts other rows in the place of all rows from a seq on, with hashes that fit, as archived rows. */
async function rewrite(domainId: string, fromSeq: number, count: number): Promise<void> {
  const before = await rowsOf(
    log.url,
    `SELECT encode(entry_hash, 'hex') AS hash FROM audit_log_entry WHERE domain_id = $1 AND seq = $2`,
    [domainId, fromSeq - 1],
  )
  // The stamps of the rows before are older than these rows, and would not count.
  const fromHere = `WHERE domain_id = '${domainId}' AND seq >= ${fromSeq}`
  await sql(`DELETE FROM audit_log_entry ${fromHere}; DELETE FROM audit_archive_stamp ${fromHere};
    DELETE FROM audit_log_chain_head WHERE domain_id = '${domainId}'`)
  const recordedAt = BigInt(Date.now()) * 1000n
  const rows = chainRows(
    domainId,
    Array.from({ length: count }, (_, at) => ({ object: `forged:${at}`, recordedAt })),
    fromSeq,
    String(before[0]?.hash),
  )
  await insertRows(log.url, rows)
  await sql(stampSql(`domain_id = '${domainId}'`, { etag: '"0"' }))
}

/** Returns the result of the chain in the first pass of a new process that looks at this chain alone. */
async function signed(domainId: string) {
  const results = await log.signer().pass({ only: new Set([domainId]) })
  return results.find((result) => result.domainId === domainId) ?? 'nothing to do'
}

const damage = (domainId: string, seq: number) =>
  sql(`UPDATE audit_log_entry SET object = 'project:forged' WHERE domain_id = '${domainId}' AND seq = ${seq}`)

const cutTail = (domainId: string, last: number) =>
  sql(`DELETE FROM audit_log_entry WHERE domain_id = '${domainId}' AND seq > ${last};
    UPDATE audit_log_chain_head SET next_seq = ${last + 1}, head_hash =
      (SELECT entry_hash FROM audit_log_entry WHERE domain_id = '${domainId}' AND seq = ${last}) WHERE domain_id = '${domainId}'`)

const unstamp = (domainId: string, seqs: string) =>
  sql(unstampSql(`domain_id = '${domainId}' AND seq IN (${seqs})`))

const remove = (domainId: string, seqs: string) =>
  sql(`DELETE FROM audit_log_entry WHERE domain_id = '${domainId}' AND seq IN (${seqs})`)

const FORGED = `INSERT INTO audit_checkpoint (domain_id, incarnation, size, root, entry_hash, note)
  VALUES (@chain, 1, 1000000, decode(repeat('00', 32), 'hex'), decode(repeat('00', 32), 'hex'), 'x')`

const forge = (domainId: string) => sql(FORGED.replace('@chain', `'${domainId}'`))

const object = (domainId: string, seq: number) => log.log.pathOf(domainId, seq)

describe('a chain that grew is not signed beyond what is sound', () => {
  it.each<[string, (domainId: string) => Promise<unknown>, number, string | undefined]>([
    ['nothing was done to it', async () => undefined, 8, undefined],
    ['an archived row was edited', (id) => damage(id, 6), 5, 'findings'],
    ['the row after the last signed one was edited', (id) => damage(id, 4), 3, 'findings'],
    [
      'a row was deleted',
      (id) => sql(`DELETE FROM audit_log_entry WHERE domain_id = '${id}' AND seq = 5`),
      4,
      'findings',
    ],

    ['all rows were rewritten after the signed ones', (id) => rewrite(id, 4, 5), 3, 'copies_differ'],
    [
      'the object of its last row holds another row',
      async (id) => {
        await rm(object(id, 8))
        await rename(object(id, 7), object(id, 8))
      },
      3,
      'copies_differ',
    ],
    ['the object of its last row is no object', (id) => writeFile(object(id, 8), 'x'), 3, 'copies_differ'],
    ['the object of its last row is gone', (id) => rm(object(id, 8)), 3, 'object_missing'],
    ['an object before the last row is gone', (id) => rm(object(id, 6)), 8, undefined],
    ['a row in its middle was never archived', (id) => unstamp(id, '6'), 5, 'rows_held'],
    ['its last rows were not archived yet', (id) => unstamp(id, '7, 8'), 6, undefined],
    ['a signed row has lost its stamp', (id) => unstamp(id, '2'), 8, undefined],
    [
      'it is being restored',
      (id) =>
        sql(`INSERT INTO audit_restore (domain_id, mirror_url) VALUES ('${id}', 'file:///m');
      DELETE FROM audit_log_chain_head WHERE domain_id = '${id}'`),
      3,
      'restoring',
    ],
  ])('%s', async (_why, attack, size, reason) => {
    const domainId = begun()
    await attack(domainId)
    const expected = { domainId, size, rows: size - 3, ...(reason && { reason }) }
    expect(await signed(domainId)).toEqual(expected)
    // The next run says the same and signs nothing more.
    const again = size === 8 ? 'nothing to do' : { ...expected, rows: 0 }
    const isDone = reason === undefined
    expect(await signed(domainId)).toEqual(isDone ? 'nothing to do' : again)
  })
})

describe('at a start', () => {
  const emptyState = (id: string) => rm(stateFolder(id), { recursive: true })
  const emptyMirror = (id: string) => rm(log.tlogPath(id, 'checkpoints'), { recursive: true })
  const emptyIndex = (id: string) => sql(`DELETE FROM audit_checkpoint WHERE domain_id = '${id}'`)
  const all = async (id: string, acts: ((id: string) => Promise<unknown>)[]) => {
    for (const act of acts) await act(id)
  }

  it.each<[string, (domainId: string) => Promise<unknown>, number, string | undefined]>([
    ['no record: kept checkpoint, index and row have the head', emptyState, 8, undefined],
    [
      'no record: the index and a row have the head',
      (id) => all(id, [emptyState, emptyMirror]),
      8,
      undefined,
    ],
    [
      'no record: the kept checkpoint and a row have it',
      (id) => all(id, [emptyState, emptyIndex]),
      8,
      undefined,
    ],
    ['no record: only a row has it', (id) => all(id, [emptyState, emptyIndex, emptyMirror]), 8, undefined],
    [
      'no record, and the rows are other ones',
      async (id) => {
        await emptyState(id)
        await rewrite(id, 2, 9)
      },
      0,
      'state_missing',
    ],
    [
      'no record, and the chain ends before',
      async (id) => {
        await emptyState(id)
        await cutTail(id, 2)
      },
      0,
      'state_missing',
    ],
    [
      'no record, and the object of the signed row is gone',
      async (id) => {
        await emptyState(id)
        await rm(object(id, 3))
      },
      0,
      'state_missing',
    ],
    [
      'a record that is damaged',
      async (id) => {
        const [name = ''] = await readdir(stateFolder(id))
        await writeFile(join(stateFolder(id), name), '{}')
      },
      0,
      'state_missing',
    ],
    [
      'a record with another frontier',
      async (id) => {
        const [name = ''] = await readdir(stateFolder(id))
        const text = await readFile(join(stateFolder(id), name), 'utf8')
        await writeFile(join(stateFolder(id), name), text.replace(/"frontier":\["../, '"frontier":["00'))
      },
      0,
      'state_missing',
    ],
    [
      'a record that cannot be read',
      async (id) => {
        await rm(stateFolder(id), { recursive: true })
        await writeFile(stateFolder(id), 'x')
      },
      0,
      'state_unwritable',
    ],
    ['fewer rows than the record', (id) => cutTail(id, 2), 0, 'rolled_back'],
    ['other rows than the record', (id) => rewrite(id, 2, 9), 0, 'rolled_back'],
    ['the row of the record is missing, and the next one follows it', (id) => remove(id, '3'), 8, undefined],
    ['the row of the record and the next one are missing', (id) => remove(id, '3, 4'), 0, 'rolled_back'],
    [
      'a forged head in the index before a promise was kept',
      async (id) => {
        await sql(`DELETE FROM audit_checkpoint WHERE domain_id = '${id}'`)
        await forge(id)
        await rm(log.tlogPath(id, 'checkpoints'), { recursive: true })
      },
      8,
      undefined,
    ],
    ['a forged head in the index', (id) => forge(id), 8, undefined],
  ])('%s', async (_why, attack, size, reason) => {
    const domainId = begun()
    await attack(domainId)
    const result = await signed(domainId)
    expect(result).toMatchObject({ domainId, size, ...(reason && { reason }) })
    expect('reason' in (result as object)).toBe(reason !== undefined)
  })

  it('a lower record is replaced by the largest head that the key signed', async () => {
    const domainId = begun()
    const folder = stateFolder(domainId)
    const [first = ''] = await readdir(folder)
    const text = await readFile(join(folder, first), 'utf8')
    await signed(domainId)
    await rm(folder, { recursive: true })
    await mkdir(folder)
    await writeFile(join(folder, first), text)
    await log.append(domainId, 2)
    await log.signer().archiver.once()
    expect(await signed(domainId)).toMatchObject({ size: 10, rows: 2 })
    expect((await readdir(folder)).map((name) => Number.parseInt(name, 10))).toEqual([1, 2])
  })

  it.each<[string, string]>([
    ['the index has the signed head', ''],
    ['the index has a forged head above it', FORGED],
    ['the index has no head', 'DELETE FROM audit_checkpoint WHERE domain_id = @chain'],
    [
      'the index has no head above the record',
      'DELETE FROM audit_checkpoint WHERE domain_id = @chain AND size > 3',
    ],
  ])('a record below what was signed is no second history: %s', async (_why, attack) => {
    const domainId = begun()
    const folder = stateFolder(domainId)
    const [first = ''] = await readdir(folder)
    const text = await readFile(join(folder, first), 'utf8')
    expect(await signed(domainId)).toMatchObject({ size: 8 })
    await rm(folder, { recursive: true })
    await mkdir(folder)
    await writeFile(join(folder, first), text)
    await rewrite(domainId, 4, 9)
    for (let seq = 4; seq <= 8; seq += 1) await rm(object(domainId, seq))
    if (attack !== '') await sql(attack.replaceAll('@chain', `'${domainId}'`))
    expect(await signed(domainId)).toEqual({ domainId, size: 0, rows: 0, reason: 'state_missing' })
    expect((await log.kept(domainId)).map((name) => Number.parseInt(name, 10))).toEqual([3, 8])
  })

  it('a damaged record that was moved away is made again, as its message says', async () => {
    const domainId = begun()
    const [name = ''] = await readdir(stateFolder(domainId))
    const path = join(stateFolder(domainId), name)
    await writeFile(path, '{}')
    const results = await new Signer(log.signer().deps).pass({ only: new Set([domainId]) }, NEVER)
    expect(results).toMatchObject([{ domainId, reason: 'state_missing' }])
    expect(results[0]?.message).toContain(`${path} back from its backup, or move it away`)
    await rename(path, join(log.log.dir, name))
    expect(await signed(domainId)).toMatchObject({ size: 8, rows: 5 })
  })

  it('two bodies of one size by the own key are a conflict', async () => {
    const domainId = begun()
    const { key, sign } = new LogSigner(LOG_NAME, KEY_FILE).keyOf({ domainId, incarnation: 1 })
    const root = Buffer.alloc(32, 9)
    const body = `${key.name}\n3\n${root.toString('base64')}\n`
    const line = Buffer.concat([Buffer.from(key.id, 'hex'), sign(Buffer.from(body))]).toString('base64')
    await sql(`UPDATE audit_checkpoint SET root = decode('${root.toString('hex')}', 'hex'),
      note = '${body}\n— ${key.name} ${line}\n' WHERE domain_id = '${domainId}'`)
    expect(await signed(domainId)).toEqual({ domainId, size: 0, rows: 0, reason: 'conflict' })
  })

  it('a state that cannot be written is the reason', async () => {
    const domainId = begun()
    const signer = log.signer()
    const states = {
      ...signer.deps.states,
      create: async () => {
        throw new AuditError('signer_state_missing', 'no space is left')
      },
    }
    const full = log.signer({ deps: { states } })
    const results = await full.pass({ only: new Set([domainId]) })
    expect(results).toContainEqual({ domainId, size: 3, rows: 0, reason: 'state_unwritable' })
    expect(await log.signer().pass({ only: new Set([domainId]) })).toContainEqual({
      domainId,
      size: 8,
      rows: 5,
    })
  })
})

describe('a kept checkpoint that cannot be created', () => {
  it('is a promise, and its rows count once it was kept', async () => {
    const domainId = begun()
    const signer = log.signer()
    let isDown = true
    const mirrorOf = async (id: string, signal: AbortSignal) => {
      const store = await signer.deps.mirrorOf(id, signal)
      const create: typeof store.create = async (...args) => {
        if (isDown) throw new AuditError('mirror_unavailable', 'the mirror is down')
        return store.create(...args)
      }
      return new Proxy(store, {
        get: (target, name: keyof typeof store) => {
          const value = name === 'create' ? create : target[name]
          return typeof value === 'function' ? value.bind(target) : value
        },
      })
    }
    const other = log.signer({ deps: { mirrorOf } })
    const only = new Set([domainId])
    const unsigned = [{ domainId, size: 3, rows: 0, reason: 'mirror_unreadable' }]
    expect(await other.pass({ only })).toEqual(unsigned)
    expect(await other.pass({ only })).toEqual(unsigned)
    isDown = false
    expect(await other.pass({ only })).toContainEqual({ domainId, size: 8, rows: 5 })
    expect(await signed(domainId)).toBe('nothing to do')
  })
})

describe('a chain with a finding', () => {
  it('is not enrolled', async () => {
    const domainId = await log.domain(4)
    const signer = log.signer()
    await signer.archiver.once()
    await damage(domainId, 2)
    expect(await signer.pass({ only: new Set([domainId]) })).toEqual([
      { domainId, size: 0, rows: 0, reason: 'findings' },
    ])
    expect(signer.found.map(({ code, seqFrom }) => [code, seqFrom])).toContainEqual([
      'entry_hash_mismatch',
      2,
    ])
    expect((await log.signedRows('audit.log-key')).flatMap(({ items }) => items).join()).not.toContain(
      domainId,
    )
  })
})

describe('rows of the three relations by a writer', () => {
  it('have no effect', async () => {
    const domainId = begun()
    const forger = new LogSigner(LOG_NAME, Buffer.alloc(32, 1))
    const over = forger.row('audit.signed-over', [`chain:${domainId}:1`, 'rows:4-6', 'reason:test'])
    const key = forger.keyRow([
      { domainId, incarnation: 1 },
      { domainId: PLATFORM_ANCHOR, incarnation: 1 },
    ])
    const head = forger.headRow([
      { domainId, incarnation: 1, size: 100, root: '00'.repeat(32), entryHash: '00'.repeat(32) },
    ])
    await log.signer().deps.store.append([over, key, head].map((row) => ({ row, heads: [] })))
    expect(await signed(domainId)).toMatchObject({ size: 8, rows: 5 })
  })
})
