import { afterAll, afterEach, beforeAll, expect, it } from 'vitest'
import { PLATFORM_ANCHOR } from '../../src/chain/uuid.js'
import { LogSigner, PLATFORM } from '../support/log-signer.js'
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

interface Case {
  readonly name: string
  readonly change: (field: SignedField) => Promise<unknown>
  /** The arguments of verify; `POLICY` is the path of a policy. */
  readonly args: readonly string[]
  readonly expected: readonly [exit: number, codes: string]
}

const wipeA = async (f: SignedField) => {
  for (const table of ['audit_log_entry', 'audit_log_chain_head', 'audit_domain'])
    await f.sql(`DELETE FROM ${table} WHERE domain_id = '${f.a}'`)
}
const thief = new LogSigner('audit.example.com/tlog', new Uint8Array(32).fill(9))

const CASES: readonly Case[] = [
  ...['postgres', 'both', 'mirror'].map(
    (source): Case => ({
      name: `nothing, ${source}`,
      change: async () => undefined,
      args: ['--all', '--source', source, '--policy', 'POLICY'],
      expected: [0, ''],
    }),
  ),
  {
    name: '3: a suffix rewritten',
    change: (f) => f.rewrite(f.a, 5, ['postgres']),
    args: ['--all', '--policy', 'POLICY'],
    expected: [1, 'checkpoint_mismatch 4-6'],
  },
  {
    name: '3: a suffix rewritten in a mirror whose kept checkpoints are gone',
    change: async (f) => {
      await f.rewrite(f.a, 5, ['mirror'])
      f.removeObject('tlog')
    },
    args: ['--all', '--source', 'mirror', '--policy', 'POLICY'],
    expected: [1, 'checkpoint_mismatch 4-6'],
  },
  {
    name: '3: the platform chain rewritten in a mirror whose kept checkpoints are gone',
    change: async (f) => {
      await f.rewrite(PLATFORM_ANCHOR, 2, ['mirror'], 2)
      f.removeObject('tlog')
    },
    args: ['--all', '--source', 'mirror', '--policy', 'POLICY'],
    expected: [1, 'checkpoint_mismatch 1-5, chain_not_recorded'],
  },
  {
    name: '5: a segment that ends with a row that was cut',
    change: (f) => f.cut(f.a, 8, ['postgres']),
    args: ['--domain', 'A', '--from-seq', '7', '--to-seq', '10'],
    expected: [1, 'checkpoint_rollback 9-10'],
  },
  {
    name: '3: a segment of the rewritten rows',
    change: (f) => f.rewrite(f.a, 5, ['postgres']),
    args: ['--domain', 'A', '--from-seq', '5', '--to-seq', '8'],
    expected: [1, 'checkpoint_mismatch 5-6'],
  },
  {
    name: '3: a segment without a head',
    change: (f) => f.rewrite(f.a, 5, ['postgres']),
    args: ['--domain', 'A', '--from-seq', '8', '--to-seq', '9'],
    expected: [0, ''],
  },
  {
    name: '7: a whole Domain deleted',
    change: wipeA,
    args: ['--all', '--policy', 'POLICY'],
    expected: [1, 'chain_missing 1-1'],
  },
  {
    name: '25: the finding acknowledged',
    change: async (f) => {
      await f.rewrite(f.a, 5, ['postgres'])
      await f.audit('verify', '--domain', f.a)
      await f.audit('quarantine', 'acknowledge', '1', '--reason', 'INC-1')
    },
    args: ['--domain', 'A'],
    expected: [1, 'checkpoint_mismatch 4-6'],
  },
  {
    name: '17: every signed row and checkpoint removed',
    change: async (f) => {
      f.removeObject('tlog')
      await f.cut(PLATFORM_ANCHOR, 3, ['postgres', 'mirror'])
      await f.sql('DELETE FROM audit_checkpoint')
    },
    args: ['--domain', 'A', '--policy', 'POLICY'],
    expected: [5, ''],
  },
  {
    name: '17: the same without a policy',
    change: async (f) => {
      f.removeObject('tlog')
      await f.cut(PLATFORM_ANCHOR, 3, ['postgres', 'mirror'])
    },
    args: ['--all', '--source', 'both'],
    expected: [0, ''],
  },
  {
    name: '35: keys and heads forged by a writer',
    change: async (f) => {
      await f.appendForged(thief.keyRow([PLATFORM, { domainId: f.a, incarnation: 1 }]))
      const head = { size: 8, root: 'a'.repeat(64), entryHash: 'b'.repeat(64) }
      await f.appendForged(thief.headRow([{ domainId: f.a, incarnation: 1, ...head }]))
    },
    args: ['--all', '--policy', 'POLICY'],
    expected: [0, ''],
  },
  {
    name: 'a copy of audit/ alone',
    change: async (f) => f.removeObject('tlog'),
    args: ['--domain', 'A', '--source', 'mirror'],
    expected: [0, ''],
  },
  {
    name: 'a copy of audit/ alone, with a policy',
    change: async (f) => f.removeObject('tlog'),
    args: ['--domain', 'A', '--source', 'mirror', '--policy', 'POLICY'],
    expected: [5, ''],
  },
  {
    name: 'a copy in the wrong order',
    change: (f) => f.cut(f.a, 8, ['mirror']),
    args: ['--all', '--source', 'mirror', '--policy', 'POLICY'],
    expected: [3, 'copy_incomplete'],
  },
  {
    name: 'a lifecycle rule that removes old checkpoints',
    change: async (f) => {
      for (const name of f.objects(`tlog/${f.a}/checkpoints`).slice(0, -1))
        f.removeObject(`tlog/${f.a}/checkpoints/${name}`)
    },
    args: ['--all', '--source', 'both', '--policy', 'POLICY'],
    expected: [0, ''],
  },
  {
    name: 'death between the enrolment and the first checkpoint',
    change: async (f) => {
      f.removeObject('tlog')
      await f.cut(PLATFORM_ANCHOR, 4, ['postgres', 'mirror'])
      await f.sql('DELETE FROM audit_checkpoint')
    },
    args: ['--all', '--source', 'both'],
    expected: [0, ''],
  },
]

it.each(CASES)('$name: verify $args ends with $expected', async ({ change, args, expected }) => {
  field = await site.copied()
  await change(field)
  const { a, policy } = field
  const words = args.map((arg) => (arg === 'POLICY' ? policy : arg === 'A' ? a : arg))
  expect(await field.verify(...words)).toEqual(expected)
})
