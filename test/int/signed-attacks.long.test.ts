import { afterAll, afterEach, beforeAll, expect, it } from 'vitest'
import { PLATFORM_ANCHOR } from '../../src/chain/uuid.js'
import type { CopyName } from '../../src/ports/verify.js'
import { LogSigner, PLATFORM } from '../support/log-signer.js'
import { SignedLog } from '../support/signed-log.js'
import { type SignedField, SignedSite } from '../support/signed-site.js'

let site: SignedSite
let field: SignedField | undefined

beforeAll(async () => {
  site = await SignedSite.make()
})

afterEach(async () => {
  await field?.drop()
  field = undefined
})

afterAll(() => site.drop())

/** What a verify of chain A finds from each source, empty for nothing. */
interface Attack {
  readonly name: string
  readonly attack: (field: SignedField) => Promise<unknown>
  readonly postgres: string
  readonly both: string
  readonly mirror: string
}

const thief = new LogSigner('audit.example.com/tlog', new Uint8Array(32).fill(9))
const head = (f: SignedField, size: number) => ({
  domainId: f.a,
  incarnation: 1,
  size,
  root: 'a'.repeat(64),
  entryHash: 'b'.repeat(64),
})
const chainA = (f: SignedField) => ({ domainId: f.a, incarnation: 1 })
const NOTHING = { postgres: '', both: '', mirror: '' }

/** The numbers are those of the attacks in tlog.md, section 13. */
const ATTACKS: readonly Attack[] = [
  { name: 'nothing', attack: async () => undefined, ...NOTHING },
  {
    name: '1: a row edited',
    attack: (f) => f.sql(`UPDATE audit_log_entry SET relation = 'x' WHERE domain_id = '${f.a}' AND seq = 6`),
    postgres: 'entry_hash_mismatch 6-6',
    both: 'entry_hash_mismatch 6-6, copies_differ 6-6',
    mirror: '',
  },
  {
    name: '1: the entry_hash of a signed row edited',
    attack: (f) =>
      f.sql(`UPDATE audit_log_entry SET entry_hash = sha256('x') WHERE domain_id = '${f.a}' AND seq = 6`),
    postgres: 'entry_hash_mismatch 6-6, broken_link 7-7',
    both: 'entry_hash_mismatch 6-6, copies_differ 6-6, broken_link 7-7',
    mirror: '',
  },
  {
    name: '2: a row deleted',
    attack: (f) => f.sql(`DELETE FROM audit_log_entry WHERE domain_id = '${f.a}' AND seq = 6`),
    postgres: 'seq_gap 6-6',
    both: 'row_missing 6-6',
    mirror: '',
  },
  {
    name: '3: a suffix rewritten in PostgreSQL',
    attack: (f) => f.rewrite(f.a, 5, ['postgres']),
    postgres: 'checkpoint_mismatch 4-6',
    both: 'checkpoint_mismatch 4-6, copies_differ 5-12',
    mirror: '',
  },
  {
    name: '3: the newest signed rows rewritten',
    attack: (f) => f.rewrite(f.a, 9, ['postgres']),
    postgres: 'checkpoint_mismatch 7-10',
    both: 'checkpoint_mismatch 7-10, copies_differ 9-12',
    mirror: '',
  },
  {
    name: '4: all rows rewritten',
    attack: (f) => f.rewrite(f.a, 1, ['postgres']),
    postgres: 'checkpoint_mismatch 1-3',
    both: 'copies_differ 1-12, checkpoint_mismatch 1-3',
    mirror: '',
  },
  {
    name: '5: the tail cut in PostgreSQL',
    attack: (f) => f.cut(f.a, 8, ['postgres']),
    postgres: 'checkpoint_rollback 9-10',
    both: 'row_missing 9-12',
    mirror: '',
  },
  {
    name: '5: the tail cut in both copies',
    attack: (f) => f.cut(f.a, 8, ['postgres', 'mirror']),
    postgres: 'checkpoint_rollback 9-10',
    both: 'checkpoint_rollback 9-10',
    mirror: 'copy_incomplete',
  },
  {
    name: '5: the rows cut that no head covers',
    attack: (f) => f.cut(f.a, 11, ['postgres', 'mirror']),
    ...NOTHING,
  },
  {
    name: '6: the tail cut, and other rows appended',
    attack: async (f) => {
      await f.rewrite(f.a, 5, ['postgres'])
      await f.cut(f.a, 7, ['postgres'])
    },
    postgres: 'checkpoint_mismatch 4-6',
    both: 'checkpoint_mismatch 4-6, copies_differ 5-7, row_missing 8-12',
    mirror: '',
  },
  {
    name: '10: a suffix rewritten in the mirror',
    attack: (f) => f.rewrite(f.a, 5, ['mirror']),
    postgres: '',
    both: 'checkpoint_mismatch 4-6, copies_differ 5-12',
    mirror: 'checkpoint_mismatch 1-10',
  },
  {
    name: '10, 11: the mirror without its tail',
    attack: (f) => f.cut(f.a, 8, ['mirror']),
    postgres: '',
    both: 'object_missing 9-12',
    mirror: 'copy_incomplete',
  },
  {
    name: '12: a suffix rewritten in both copies',
    attack: (f) => f.rewrite(f.a, 5, ['postgres', 'mirror']),
    postgres: 'checkpoint_mismatch 4-6',
    both: 'checkpoint_mismatch 4-6',
    mirror: 'checkpoint_mismatch 1-10',
  },
  {
    name: '13: a second history signed with the key of the log',
    attack: async (f) => {
      const log = await SignedLog.open({ url: f.url })
      await log.append(log.signer.headRow([head(f, 8)]))
      await log.close()
    },
    postgres: 'checkpoint_conflict 7-8',
    both: 'checkpoint_conflict 7-8',
    mirror: '',
  },
  {
    name: '13: a second history of a signed size',
    attack: async (f) => {
      const log = await SignedLog.open({ url: f.url })
      await log.append(log.signer.headRow([head(f, 10)]))
      await log.close()
    },
    postgres: 'checkpoint_conflict 7-10',
    both: 'checkpoint_conflict 7-10',
    mirror: '',
  },
  {
    name: '13: more rows signed with the key of the log than there are',
    attack: async (f) => {
      const log = await SignedLog.open({ url: f.url })
      await log.append(log.signer.headRow([head(f, 20)]))
      await log.close()
    },
    postgres: 'checkpoint_rollback 13-20',
    both: 'checkpoint_rollback 13-20',
    mirror: '',
  },
  {
    name: '16: a foreign key and its heads embedded',
    attack: async (f) => {
      await f.appendForged(thief.keyRow([chainA(f)]))
      await f.appendForged(thief.headRow([head(f, 8)]))
    },
    ...NOTHING,
  },
  {
    name: '17: kept checkpoints and key statements removed',
    attack: async (f) => f.removeObject('tlog'),
    ...NOTHING,
  },
  {
    name: '20, 30: a signature moved to another head',
    attack: async (f) => {
      const log = await SignedLog.open({ url: f.url })
      const [, sig = ''] = log.signer.headRow([head(f, 3)]).relationPath
      const [item = ''] = log.signer.headRow([head(f, 6)]).relationPath
      const row = log.signer.headRow([])
      await log.append({ ...row, relationPath: [item, sig] })
      await log.close()
    },
    ...NOTHING,
  },
  {
    name: '20: the checkpoints of one chain put below the name of another',
    attack: async (f) => {
      for (const name of f.objects(`tlog/${f.b}/checkpoints`))
        f.putObject(
          `tlog/${f.a}/checkpoints/${name.replace(/^\d{20}/, '9'.padStart(20, '0'))}`,
          f.readObject(`tlog/${f.b}/checkpoints/${name}`),
        )
    },
    ...NOTHING,
  },
  {
    name: '22: garbage below tlog/',
    attack: async (f) => {
      for (let size = 20; size < 60; size += 1)
        f.putObject(
          `tlog/${f.a}/checkpoints/${String(size).padStart(20, '0')}-0123456789abcdef.tlog-proof`,
          new Uint8Array(200_000),
        )
      f.putObject(`tlog/${f.a}/keys/x.json`, new Uint8Array(100))
      f.putObject(`tlog/${f.a}/checkpoints/x`, new Uint8Array(100))
    },
    ...NOTHING,
  },
  {
    name: '35: a head, a key and a signed-over row forged by a writer',
    attack: async (f) => {
      const forged = thief.headRow([head(f, 8)])
      const own = new LogSigner('audit.example.com/tlog', new Uint8Array(32).fill(7)).platform.key.id
      const withOwnId = forged.relationPath.map((item) => item.replace(/^sig:[0-9a-f]{8}/, `sig:${own}`))
      await f.appendForged({ ...forged, relationPath: withOwnId })
      await f.appendForged({ ...forged, relationPath: ['head:x', 'sig:y'] })
      await f.appendForged(
        thief.row('audit.signed-over', [`chain:${f.a}:1`, 'rows:5-9', 'reason:rows_damaged']),
      )
    },
    ...NOTHING,
  },
]

const SOURCES: readonly CopyName[] = ['postgres', 'both', 'mirror']

it.each(ATTACKS)('$name', async ({ attack, ...expected }) => {
  field = await site.copied()
  await attack(field)
  const found = new Map<string, string>()
  for (const source of SOURCES)
    for (const keys of ['policy', 'log'] as const)
      found.set(`${source} by ${keys}`, await field.judged(field.a, source, keys))
  const { postgres, both, mirror } = expected as Omit<Attack, 'attack'>
  expect(Object.fromEntries(found)).toEqual({
    'postgres by policy': postgres,
    'postgres by log': postgres,
    'both by policy': both,
    'both by log': both,
    'mirror by policy': mirror,
    'mirror by log': mirror,
  })
})

it('35: a forged first key makes the keys of the log alone count for nothing', async () => {
  field = await site.copied()
  await field.appendForged(thief.keyRow([PLATFORM]))
  await field.rewrite(field.a, 5, ['postgres'])
  expect(await field.judged(field.a, 'postgres', 'policy')).toBe('checkpoint_mismatch 4-6')
  expect(await field.judged(field.a, 'postgres', 'log')).toBe('')
  const { verdict } = await field.outcome(field.a, 'postgres', 'log')
  expect(verdict?.signatures?.foreignRows).toEqual(
    new Map([
      ['audit.log-key', 2],
      ['audit.checkpoint', 3],
    ]),
  )
})

it('names the copy that has the signed rows, and where they were signed', async () => {
  field = await site.copied()
  await field.rewrite(field.a, 5, ['postgres'])
  const { verdict } = await field.outcome(field.a, 'both', 'policy')
  const finding = verdict?.findings.find(({ code }) => code === 'checkpoint_mismatch')
  expect(finding).toMatchObject({
    copy: 'postgres',
    original: 'mirror',
    detail:
      'not the rows that were signed; rows 1 to 3 are; the mirror has the signed rows, PostgreSQL has others',
    signedIn: expect.stringMatching(/^platform row \d+$/),
  })
  expect(finding?.context?.some(({ seq }) => seq === 6)).toBe(true)
})

it('finds the platform chain rewritten by its own kept checkpoint', async () => {
  field = await site.copied()
  await field.rewrite(PLATFORM_ANCHOR, 2, ['postgres', 'mirror'], 2)
  for (const source of SOURCES) {
    const found = await field.judged(PLATFORM_ANCHOR, source, 'policy')
    expect([source, found]).toEqual([source, expect.stringMatching(/^checkpoint_mismatch 1-\d+$/)])
  }
})
