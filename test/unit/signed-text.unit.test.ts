import { describe, expect, it } from 'vitest'
import { type Policy, parsePolicy } from '../../src/chain/note/policy.js'
import { KEY_TYPE, type VerifierKey, verifierKey, vkeyText } from '../../src/chain/note/vkey.js'
import { PLATFORM_ANCHOR } from '../../src/chain/uuid.js'
import type { Concluded } from '../../src/cli/verify/signed/text.js'
import { summaryText, verdictText } from '../../src/cli/verify/text.js'
import { fullVerifyResult } from '../../src/json/full-verify-result.js'
import { conclude } from '../../src/verify/signed/conclusion.js'
import { type Requirements, requiredBy } from '../../src/verify/signed/requirements.js'
import type { CosignedCheckpoint } from '../../src/verify/signed/witnessing.js'
import type { SeenSignatures, SignedThrough, Verdict } from '../../src/verify/verdict.js'
import { summarise } from '../../src/verify/verify-all.js'
import { chainOf } from '../support/chain-builder.js'
import { verdictOn } from '../support/report-pages.js'

const vkey = (name: string, type: number) =>
  vkeyText(verifierKey(name, type, new Uint8Array(32).fill(name.length)))
const policyOf = (...lines: readonly string[]) => {
  const log = vkey(`audit.example.com/${PLATFORM_ANCHOR}`, KEY_TYPE.ed25519)
  return parsePolicy(new TextEncoder().encode([`log ${log}`, ...lines, ''].join('\n'))) as Policy
}
const POLICY = policyOf('quorum none')
const WITNESSES = policyOf(
  `witness a ${vkey('witness.example.net/w1', KEY_TYPE.cosignature)}`,
  `witness b ${vkey('witness.example.net/w22', KEY_TYPE.cosignature)}`,
  'group g all a b',
  'quorum g',
)
const [W1, W2] = WITNESSES.witnesses as [VerifierKey, VerifierKey]

const NOW = 1_796_000_000_000_000n
const HASH = 'ab'.repeat(32)
const UNSIGNED: SeenSignatures = { unknownKeys: new Map(), foreignRows: new Map() }

function signed(by: SignedThrough['by'], patch: Partial<SignedThrough> = {}): SeenSignatures {
  const head = { throughSeq: 2880, entryHash: HASH, by, keyId: 'ada3a13b', logName: 'audit.example.com' }
  return { ...UNSIGNED, newestSize: 2880, through: { ...head, platformSeq: 812, rowsBeyond: 0, ...patch } }
}

interface Run {
  readonly verdict: Partial<Verdict>
  readonly policy?: Policy
  readonly required?: Partial<Requirements>
  readonly cosigned?: readonly CosignedCheckpoint[]
}

function ran({ verdict: patch, policy, required, cosigned = [] }: Run) {
  const chain = { rows: 2900, segmentTo: 2900, head: { seq: 2900, hash: HASH } }
  const verdict = verdictOn(chainOf(2), { ...chain, end: 'head', source: 'postgres', ...patch })
  const conclusion = conclude(verdict, {
    policy,
    required: { ...requiredBy(policy), ...required },
    now: NOW,
    cosigned,
  })
  return { verdict, concluded: { conclusion, now: NOW } satisfies Concluded }
}

/** The word of the first line, and the lines after the first two. */
function textOf(run: Run): readonly string[] {
  const { verdict, concluded } = ran(run)
  const [first = '', _head, ...rest] = verdictText(verdict, { concluded }).split('\n')
  return [first.slice(0, 8).trim(), ...rest.map((line) => line.slice(10))]
}

const seconds = (before: number) => NOW / 1_000_000n - BigInt(before)
const beyond = { rowsBeyond: 20, beyondSince: NOW - 41_000_000n }

describe('the text of a chain', () => {
  it.each<readonly [string, Run, readonly string[]]>([
    [
      'that nobody signed',
      { verdict: { signatures: UNSIGNED, end: 'unproven', source: 'mirror' } },
      [
        'intact',
        'intact up to row 2900; that no newer rows were removed is not shown',
        'not signed: a rewritten or cut end would pass. Run audit log init, or pin this head: --expect-head',
      ],
    ],
    [
      'that its own key signed',
      { verdict: { signatures: signed('log', beyond) } },
      [
        'intact',
        "signed through row 2880 by this log's own key ada3a13b; 20 newer rows wait for the next signature",
        'nobody else vouches for that key: give --policy FILE with a key that you did not get from here',
      ],
    ],
    [
      'that the key of the home signed to its end, read from both copies',
      { verdict: { signatures: signed('home', { rowsBeyond: 0 }), source: 'both' } },
      [
        'intact',
        "signed through row 2880 by this log's own key ada3a13b",
        'nobody else vouches for that key: give --policy FILE with a key that you did not get from here',
        'both copies compared',
      ],
    ],
    [
      'that is verified',
      {
        verdict: { signatures: signed('policy', beyond), source: 'both' },
        policy: WITNESSES,
        cosigned: [
          {
            size: 812,
            cosignatures: [
              { key: W1, time: seconds(20) },
              { key: W2, time: seconds(185) },
            ],
          },
        ],
      },
      [
        'verified',
        'signed through row 2880 by audit.example.com (platform row 812); 20 newer rows, the oldest of 41 s',
        'seen by 2 of 2 witnesses, 3 min ago; both copies compared',
      ],
    ],
    [
      'that is verified by a policy without witnesses',
      {
        verdict: { signatures: signed('policy', { ...beyond, rowsBeyond: 1, platformSeq: undefined }) },
        policy: POLICY,
      },
      ['verified', 'signed through row 2880 by audit.example.com; 1 newer row, the oldest of 41 s'],
    ],
    [
      'that is unproven',
      {
        verdict: { signatures: signed('policy') },
        policy: WITNESSES,
        cosigned: [
          { size: 812, cosignatures: [{ key: W1, time: seconds(20) }] },
          { size: 811, cosignatures: [{ key: W2, time: seconds(86_400) }] },
        ],
      },
      [
        'unproven',
        'signed through row 2880 by audit.example.com (platform row 812)',
        'not proven: 2 witnesses required, 1 has signed: witness.example.net/w22 not since 2026-11-29T00:53:20Z',
      ],
    ],
    [
      'that nobody signed, with a policy',
      { verdict: { signatures: UNSIGNED }, policy: POLICY },
      [
        'unproven',
        "intact up to row 2900; this database's own head row agrees",
        'somebody who can write to this database can move both: pin it with --remember FILE or --expect-head',
        'not proven: no signed head of a known key',
      ],
    ],
    [
      'that an unknown key signed',
      { verdict: { signatures: { ...UNSIGNED, unknownKeys: new Map([['0badf00d', 3]]) }, end: 'unproven' } },
      [
        'intact',
        'intact up to row 2900; that no newer rows were removed is not shown',
        'not signed: a rewritten or cut end would pass. Run audit log init, or pin this head: --expect-head',
        'note: 3 checkpoints of this chain are signed by the unknown key 0badf00d alone',
      ],
    ],
    [
      'that an unknown key signed too, by a key of the policy',
      {
        verdict: { signatures: { ...signed('policy'), unknownKeys: new Map([['0badf00d', 1]]) } },
        policy: POLICY,
      },
      [
        'verified',
        'signed through row 2880 by audit.example.com (platform row 812)',
        'note: 1 checkpoint of this chain is signed by the unknown key 0badf00d alone',
      ],
    ],
    [
      'that an unknown key alone signed, with a policy',
      {
        verdict: { signatures: { ...UNSIGNED, unknownKeys: new Map([['0badf00d', 1]]) }, end: 'unproven' },
        policy: POLICY,
      },
      [
        'unproven',
        'intact up to row 2900; that no newer rows were removed is not shown',
        'not proven: no signed head of a known key',
        'not proven: 1 checkpoint of this chain is signed by the unknown key 0badf00d alone',
      ],
    ],
    [
      'whose signed heads nobody looked for',
      { verdict: { end: 'unproven' } },
      ['intact', 'intact up to row 2900; that no newer rows were removed is not shown'],
    ],
  ])('%s says so', (_name, run, lines) => {
    expect(textOf(run)).toEqual(lines)
  })

  it.each<readonly [string, Partial<Verdict>]>([
    ['is pinned', { end: 'pinned' }],
    ['is not the end of the run', { toSeq: 2900 }],
    ['has no row that can be read', { head: { seq: 0, hash: HASH } }],
  ])('does not say that an end would pass that %s', (_name, patch) => {
    expect(textOf({ verdict: { signatures: UNSIGNED, ...patch } }).join()).not.toContain('not signed')
  })

  it('keeps what a pin shows beside what is signed', () => {
    const lines = textOf({ verdict: { signatures: signed('policy'), end: 'pinned' }, policy: POLICY })
    expect(lines.join('\n')).toMatch(
      /that row is pinned by a head from outside[\s\S]*signed through row 2880/,
    )
  })

  it('says nothing of signed heads where there is a finding', () => {
    const findings = [{ code: 'seq_gap', seqFrom: 3, seqTo: 3, detail: 'd' }] as const
    const text = textOf({ verdict: { signatures: signed('policy'), findings }, policy: POLICY }).join('\n')
    expect(text).toMatch(/^DIVERGED/)
    expect(text).not.toMatch(/signed|not proven/)
  })
})

describe('the JSON of a chain', () => {
  const keys = (run: Run, isShown = true) => {
    const { verdict, concluded } = ran(run)
    return fullVerifyResult(verdict, isShown ? concluded.conclusion : undefined)
  }

  it('has no key more where the run asked for nothing and saw no signature', () => {
    const { verdict } = ran({ verdict: { signatures: UNSIGNED } })
    expect(Object.keys(keys({ verdict: { signatures: UNSIGNED } }, false))).toEqual(
      Object.keys(fullVerifyResult({ ...verdict, signatures: undefined })),
    )
  })

  it('has the verdict, what is signed, and the axes', () => {
    const cosignatures = [
      { key: W1, time: seconds(20) },
      { key: W2, time: seconds(185) },
    ]
    const run = {
      verdict: { signatures: signed('policy', beyond) },
      policy: WITNESSES,
      required: { maxAge: 3_600_000 },
      cosigned: [{ size: 812, cosignatures }],
    }
    expect(keys(run)).toMatchObject({
      ok: true,
      verdict: 'verified',
      not_proven: [],
      signed: {
        through_seq: 2880,
        entry_hash: HASH,
        by: 'policy',
        key_id: 'ada3a13b',
        platform_seq: 812,
        rows_beyond: 20,
      },
      axes: {
        internal: { state: 'proven' },
        copies: { state: 'not proven', why: 'one copy was read' },
        complete: { state: 'proven' },
        signed: { state: 'proven' },
        witnessed: { state: 'proven' },
        fresh: { state: 'proven' },
        timed: { state: 'proven', not_after: '2026-11-30T00:53:00.000000Z' },
      },
    })
  })

  it('has why it is unproven, and counts unknown keys', () => {
    const signatures = { ...UNSIGNED, unknownKeys: new Map([['0badf00d', 1]]) }
    const result = keys({ verdict: { signatures }, policy: POLICY })
    expect(result).toMatchObject({
      ok: true,
      verdict: 'unproven',
      not_proven: [
        'no signed head of a known key',
        '1 checkpoint of this chain is signed by the unknown key 0badf00d alone',
      ],
    })
    expect(result).not.toHaveProperty('signed')
    expect(Object.keys(result.axes ?? {})).toEqual(['internal', 'copies', 'complete', 'signed'])
  })
})

describe('the totals', () => {
  const FINDING = { code: 'seq_gap', seqFrom: 3, seqTo: 3, detail: 'd' } as const
  const verdicts = ['a', 'b', 'c', 'd'].map((domainId) =>
    verdictOn(chainOf(3), { domainId, findings: domainId === 'd' ? [FINDING] : [] }),
  )
  const words = new Map([
    ['a', 'verified'],
    ['b', 'intact'],
    ['c', 'unproven'],
    ['d', 'diverged'],
  ] as const)

  it('count each chain once', () => {
    const summary = summarise(verdicts, 1, [], words)
    expect(summary).toMatchObject({ ok: false, chains: 5, verified: 1, intact: 1, unproven: 1, diverged: 1 })
    expect(summary.ends).toEqual({ head: 0, pinned: 0, unproven: 1 })
    expect(summaryText(summary)).toBe(
      '5 chains, 12 rows: 1 verified, 1 intact, 1 diverged, 1 unproven, 1 could not be checked, 1 finding',
    )
  })

  it('are not ok where a chain is unproven', () => {
    const [a, , c] = verdicts as [Verdict, Verdict, Verdict]
    const of = (...some: readonly Verdict[]) =>
      new Map([...words].filter(([id]) => some.some((v) => v.domainId === id)))
    expect([summarise([a], 0, [], of(a)).ok, summarise([a, c], 0, [], of(a, c)).ok]).toEqual([true, false])
  })

  it('are as ever where the run saw no signature', () => {
    const summary = summarise(verdicts, 0)
    expect(Object.keys(summary)).toEqual('ok chains intact diverged failed rows findings ends'.split(' '))
    expect(summaryText(summary)).toContain('4 chains, 12 rows: 3 intact, 1 diverged, 1 findings')
  })
})
