import { describe, expect, it } from 'vitest'
import type { SignedState, SigningFacts } from '../../src/ports/signer.js'
import type { NotSignedReason } from '../../src/signer/reasons.js'
import { signingStatus } from '../../src/signer/signing-status.js'

const NEVER: SigningFacts = { lastSeq: 5, isRestoring: false, isHeld: false, hasFinding: false }
const STATE: SignedState = { domainId: 'a', signedSeq: 3, ageSeconds: 40, unsignedRows: 0 }
const SIGNED: SigningFacts = { ...NEVER, state: STATE }
const LATE: SigningFacts = { ...NEVER, state: { ...STATE, unsignedRows: 2, waitingSeconds: 901 } }
const RECENT: SigningFacts = { ...NEVER, state: { ...STATE, unsignedRows: 2, waitingSeconds: 900 } }

const CASES: readonly (readonly [name: string, facts: SigningFacts, reason: NotSignedReason | undefined])[] =
  [
    ['signed to its end', SIGNED, undefined],
    ['with new rows', RECENT, undefined],
    ['whose signer does not run', LATE, undefined],
    ['that was never signed', NEVER, undefined],
    ['that the archiver may still enrol', { ...NEVER, lastSeq: 10_000 }, undefined],
    ['that is too long for the archiver to enrol', { ...NEVER, lastSeq: 10_001 }, 'too_long'],
    ['that is long and signed', { ...SIGNED, lastSeq: 10_001 }, undefined],
    ['with a finding, never signed', { ...NEVER, hasFinding: true }, 'findings'],
    ['with a finding and a recent signature', { ...RECENT, hasFinding: true }, undefined],
    ['with a finding and no signature for long', { ...LATE, hasFinding: true }, 'findings'],
    ['with a held row', { ...SIGNED, isHeld: true }, 'rows_held'],
    ['with a held row, never signed', { ...NEVER, isHeld: true }, 'rows_held'],
    ['with a held row and a finding', { ...LATE, isHeld: true, hasFinding: true }, 'rows_held'],
    ['that is being restored', { ...NEVER, isRestoring: true, isHeld: true }, 'restoring'],
  ]

describe('signingStatus', () => {
  it.each(CASES)('names the reason of a chain %s', (_name, facts, reason) => {
    expect(signingStatus(facts).notSignedReason).toBe(reason)
  })

  it('has the size and the age of the newest head, if there is one', () => {
    expect(signingStatus(SIGNED)).toMatchObject({ signedThrough: 3, signedAgeSeconds: 40 })
    expect(Object.keys(signingStatus(NEVER))).toEqual(['notSignedReason'])
  })
})
