import { describe, expect, it } from 'vitest'
import { type Policy, parsePolicy } from '../../src/chain/note/policy.js'
import { KEY_TYPE, type VerifierKey, verifierKey, vkeyText } from '../../src/chain/note/vkey.js'
import { PLATFORM_ANCHOR } from '../../src/chain/uuid.js'
import { parseRequire } from '../../src/cli/verify/signed/require.js'
import type { AxesContext } from '../../src/verify/signed/axis.js'
import { conclude } from '../../src/verify/signed/conclusion.js'
import { type Requirements, requiredBy } from '../../src/verify/signed/requirements.js'
import type { CosignedCheckpoint } from '../../src/verify/signed/witnessing.js'
import type { SeenSignatures, SignedThrough, Verdict } from '../../src/verify/verdict.js'
import { chainOf } from '../support/chain-builder.js'
import { verdictOn } from '../support/report-pages.js'

const key = (name: string, type: number) => verifierKey(name, type, new Uint8Array(32).fill(name.length))
const LOG = vkeyText(key(`audit.example.com/${PLATFORM_ANCHOR}`, KEY_TYPE.ed25519))
const policyOf = (...lines: readonly string[]) =>
  parsePolicy(new TextEncoder().encode(`log ${LOG}\n${lines.join('\n')}\n`)) as Policy
const NO_QUORUM = policyOf('quorum none')
const vkeys = ['w.example/1', 'w.example/22'].map((name) => vkeyText(key(name, KEY_TYPE.cosignature)))
const BOTH = policyOf(`witness a ${vkeys[0]}`, `witness b ${vkeys[1]}`, 'group g all a b', 'quorum g')
// A policy knows its keys by identity.
const [W1, W2] = BOTH.witnesses as [VerifierKey, VerifierKey]

const NOW = 1_800_000_000_000_000n
const seconds = (before: number) => NOW / 1_000_000n - BigInt(before)
const HEAD = { throughSeq: 12, entryHash: 'ab'.repeat(32), keyId: 'ada3a13b', logName: 'audit.example.com' }
const NOTHING: SeenSignatures = { unknownKeys: new Map(), foreignRows: new Map() }

function signed(patch: Partial<SignedThrough> = {}, newestSize = patch.throughSeq ?? 12): SeenSignatures {
  return {
    ...NOTHING,
    newestSize,
    through: { ...HEAD, by: 'policy', platformSeq: 5, rowsBeyond: 0, ...patch },
  }
}

function cosigned(size: number, ...lines: readonly (readonly [VerifierKey, number])[]): CosignedCheckpoint {
  return { size, cosignatures: lines.map(([key, before]) => ({ key, time: seconds(before) })) }
}

interface Given {
  readonly verdict?: Partial<Verdict>
  readonly policy?: Policy
  readonly required?: Partial<Requirements>
  readonly cosigned?: readonly CosignedCheckpoint[]
}

function concluded({ verdict = {}, policy, required, cosigned = [] }: Given) {
  const context: AxesContext = {
    policy,
    now: NOW,
    cosigned,
    required: { ...requiredBy(policy), ...required },
  }
  return conclude(verdictOn(chainOf(12), { signatures: NOTHING, ...verdict }), context)
}

const FINDING = { code: 'seq_gap', seqFrom: 3, seqTo: 3, detail: 'd' } as const

it.each<readonly [string, Given, string, readonly string[]]>([
  ['without a policy', {}, 'intact', []],
  ['that nobody looked at', { verdict: { signatures: undefined } }, 'intact', []],
  [
    'with a finding',
    { verdict: { findings: [FINDING], signatures: signed() }, policy: NO_QUORUM },
    'diverged',
    ['there are findings, or rows are missing'],
  ],
  ['whose end is signed', { verdict: { signatures: signed() }, policy: NO_QUORUM }, 'verified', []],
  [
    'signed by the key of the home',
    { verdict: { signatures: signed({ by: 'home' }) }, required: { signed: true } },
    'intact',
    [],
  ],
  ['without a head', { policy: NO_QUORUM }, 'unproven', ['no signed head of a known key']],
  [
    'that only its own key signed',
    { verdict: { signatures: signed({ by: 'log' }) }, required: { signed: true } },
    'unproven',
    ['only the log itself vouches for its key ada3a13b'],
  ],
  [
    'whose first rows were not read',
    { verdict: { segmentFrom: 3, signatures: signed() }, policy: NO_QUORUM },
    'unproven',
    ['rows 1 to 2 were not read'],
  ],
  [
    'read to a row before the signed head',
    { verdict: { segmentTo: 10, signatures: signed({ throughSeq: 8 }, 12) }, policy: NO_QUORUM },
    'unproven',
    ['row 12 is signed, and the run ends with row 10'],
  ],
  [
    'read from one copy',
    { verdict: { signatures: signed() }, policy: NO_QUORUM, required: { copies: true } },
    'unproven',
    ['one copy was read'],
  ],
  [
    'read from both copies',
    { verdict: { source: 'both', signatures: signed() }, required: { copies: true } },
    'verified',
    [],
  ],
  [
    'whose policy requires something else',
    { policy: NO_QUORUM, verdict: { source: 'both' }, required: { signed: false, copies: true } },
    'intact',
    [],
  ],
])('calls a chain %s as it is', (_name, given, word, notProven) => {
  expect(concluded(given)).toMatchObject({ word, notProven })
})

describe('witnesses', () => {
  const given = (required: Partial<Requirements>, ...checkpoints: readonly CosignedCheckpoint[]) => ({
    policy: BOTH,
    verdict: { signatures: signed() },
    required,
    cosigned: checkpoints,
  })
  const none = '2 witnesses required, 0 have signed: w.example/1 has not, w.example/22 has not'

  it.each<readonly [string, Given, string | undefined]>([
    ['none', given({}), none],
    ['both', given({}, cosigned(5, [W1, 60], [W2, 90])), undefined],
    [
      'one, and the other before the head',
      given({}, cosigned(5, [W1, 60]), cosigned(4, [W2, 86_400])),
      '2 witnesses required, 1 has signed: w.example/22 not since 2027-01-14T08:00:00Z',
    ],
    [
      'each on another checkpoint',
      given({}, cosigned(5, [W1, 60]), cosigned(6, [W2, 60])),
      '2 witnesses required, 2 have signed',
    ],
    ['one of one that is required', given({ witnessed: 1 }, cosigned(5, [W1, 60])), undefined],
    [
      'one that is ahead of the clock by more than 5 minutes',
      given({ witnessed: 1 }, cosigned(5, [W1, -301])),
      '1 witness required, 0 have signed: w.example/1 has not, w.example/22 has not',
    ],
    ['one that is ahead by 5 minutes', given({ witnessed: 1 }, cosigned(5, [W1, -300])), undefined],
    ['both lately', given({ maxAge: 3_600_000 }, cosigned(5, [W1, 3600], [W2, 90])), undefined],
    [
      'one of them long ago',
      given({ maxAge: 3_600_000 }, cosigned(5, [W1, 60], [W2, 3601])),
      '2 witnesses required, 1 has signed: w.example/22 not since 2027-01-15T06:59:59Z',
    ],
    [
      'again, lately',
      given({ maxAge: 3_600_000 }, cosigned(5, [W1, 9000], [W2, 9000], [W1, 60], [W2, 60])),
      undefined,
    ],
  ])('are required, and signed: %s', (_name, one, problem) => {
    expect(concluded(one).notProven).toEqual(problem === undefined ? [] : [problem])
  })

  it.each<readonly [string, Partial<SignedThrough>, string | undefined]>([
    ['young', { rowsBeyond: 1, beyondSince: NOW - 3_600_000_000n }, undefined],
    ['old', { rowsBeyond: 1, beyondSince: NOW - 3_600_000_001n }, 'is of 2027-01-15T06:59:59Z'],
    ['in the future', { rowsBeyond: 1, beyondSince: NOW + 300_000_001n }, 'is ahead of the clock'],
    ['without a time', { rowsBeyond: 1 }, 'has no time that can be read'],
  ])('are not fresh with a row that no head covers and that is %s', (_name, patch, problem) => {
    const { notProven } = concluded({
      policy: BOTH,
      verdict: { signatures: signed(patch) },
      required: { maxAge: 3_600_000 },
      cosigned: [cosigned(5, [W1, 60], [W2, 60])],
    })
    expect(notProven).toEqual(
      problem === undefined ? [] : [`row 13, which no signed head covers, ${problem}`],
    )
  })

  it('give the time at which they were enough', () => {
    const { axes } = concluded(
      given({}, cosigned(7, [W1, 30], [W2, 20]), cosigned(5, [W1, 90], [W2, 60], [W2, 10])),
    )
    expect(axes.timed).toEqual({ isProven: true, notAfter: seconds(60) * 1_000_000n })
  })

  it('sign the platform chain itself', () => {
    const verdict = { domainId: PLATFORM_ANCHOR, signatures: signed({ platformSeq: undefined }) }
    const cases = [12, 11].map((size) =>
      concluded({ policy: BOTH, verdict, cosigned: [cosigned(size, [W1, 1], [W2, 1])] }),
    )
    expect(cases.map(({ word }) => word)).toEqual(['verified', 'unproven'])
  })
})

describe('--require', () => {
  it.each<readonly [string | undefined, Policy | undefined, Requirements]>([
    [undefined, undefined, { copies: false, signed: false }],
    [undefined, NO_QUORUM, { copies: false, signed: true }],
    [undefined, BOTH, { copies: false, signed: true, witnessed: 'quorum' }],
    ['signed', undefined, { copies: false, signed: true }],
    ['copies', BOTH, { copies: true, signed: false }],
    ['signed, copies', undefined, { copies: true, signed: true }],
    ['witnessed', BOTH, { copies: false, signed: false, witnessed: 'quorum' }],
    ['witnessed=2,max-age=1h', BOTH, { copies: false, signed: false, witnessed: 2, maxAge: 3_600_000 }],
    ['max-age=90s', NO_QUORUM, { copies: false, signed: false, maxAge: 90_000 }],
  ])('reads %s', (list, policy, required) => {
    expect(parseRequire(list, policy)).toEqual(required)
  })

  it.each<readonly [string, Policy | undefined, string]>([
    ['', undefined, 'expected a list of copies'],
    ['signed,', undefined, 'expected a list of copies'],
    ['Signed', undefined, 'expected a list of copies'],
    ['internal', undefined, 'expected a list of copies'],
    ['signed=1', undefined, 'expected a list of copies'],
    ['max-age', BOTH, 'expected a list of copies'],
    ['witnessed=1=2', BOTH, 'expected a list of copies'],
    ['signed,signed', undefined, 'signed is named twice'],
    ['witnessed', undefined, 'need a policy'],
    ['max-age=1h', undefined, 'need a policy'],
    ['witnessed=0', BOTH, 'expected a number from 1 to 2'],
    ['witnessed=3', BOTH, 'expected a number from 1 to 2'],
    ['witnessed=', BOTH, 'expected a number from 1 to 2'],
    ['max-age=', BOTH, 'expected a duration'],
    ['max-age=0s', BOTH, 'expected a duration'],
    ['max-age=1', BOTH, 'expected a duration'],
  ])('refuses "%s"', (list, policy, problem) => {
    expect(() => parseRequire(list, policy)).toThrow(expect.objectContaining({ code: 'usage' }))
    expect(() => parseRequire(list, policy)).toThrow(`--require: ${problem}`.slice(0, 11))
    expect(() => parseRequire(list, policy)).toThrow(problem)
  })
})
