import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { AuditError } from '../../src/base/errors.js'
import { EXIT, exitOfError } from '../../src/cli/shell/exit-codes.js'
import { errorOf, exitOf, nextStep } from '../../src/cli/sign/reasons.js'
import { refusedText, signedJson, signedText } from '../../src/cli/sign/text.js'
import { NOT_SIGNED, type NotSignedReason } from '../../src/signer/reasons.js'
import { ROOT } from '../support/cli.js'

const domainId = '018f0000-0000-7000-8000-000000000001'
const REASONS = Object.keys(NOT_SIGNED) as NotSignedReason[]
const chainOf = (reason?: NotSignedReason, error?: unknown) => ({
  domainId,
  size: 7,
  rows: 0,
  findings: [],
  message: `chain ${domainId}: why`,
  ...(reason !== undefined && { reason }),
  ...(error !== undefined && { error }),
})

const page = readFileSync(join(ROOT, 'docs/signing.md'), 'utf8')

describe('the reasons why a chain is not signed', () => {
  it.each(REASONS)('%s has the same exit code in the code and in docs/signing.md', (reason) => {
    const [, exit = 'none'] = new RegExp(`^\\| \`${reason}\` \\| (\\d?) ?\\|`, 'm').exec(page) ?? []
    expect(exit).toBe(NOT_SIGNED[reason] === 0 ? '' : String(NOT_SIGNED[reason]))
    expect(exitOf(reason)).toBe(NOT_SIGNED[reason] === 0 ? undefined : NOT_SIGNED[reason])
  })

  it.each(REASONS)('%s has a next command', (reason) => {
    expect(nextStep(chainOf(reason), {})).toMatch(/\w{4}/)
  })

  // After an old backup was put back, PostgreSQL alone looks intact.
  it.each<NotSignedReason>(['findings', 'copies_differ', 'rolled_back'])(
    '%s compares both copies',
    (reason) => {
      expect(nextStep(chainOf(reason), {})).toContain('--source both')
    },
  )

  it.each(REASONS)('%s is an error exactly where something could not be checked or is refused', (reason) => {
    const error = errorOf(chainOf(reason), {})
    const exit = exitOf(reason)
    const isError = exit !== undefined && exit !== EXIT.finding
    expect(error !== undefined).toBe(isError)
    if (error !== undefined) expect(exitOfError(error.code)).toBe(exit)
  })

  it('keep the code and the advice of the error behind them', () => {
    const error = new AuditError('mirror_unmarked', 'no marker', { advice: { code: 'check_mirror' } })
    expect(errorOf(chainOf('mirror_unreadable', error), {})).toBe(error)
    expect(errorOf(chainOf(undefined, error), {})).toBe(error)
  })

  it('give an error without advice the next command of the reason', () => {
    const error = new AuditError('signer_state_missing', 'no record')
    expect(errorOf(chainOf('state_missing', error), {})).toMatchObject({
      code: 'signer_state_missing',
      hint: nextStep(chainOf('state_missing'), {}),
    })
  })
})

describe('the lines of a pass', () => {
  it('name the chain once, hide credentials and have no control characters', () => {
    const refused = {
      ...chainOf('object_missing'),
      message: 'no object in s3://user:secret@bucket/\u001b[2J',
    }
    expect(refusedText(refused, 'run: x')).toEqual([
      `not signed  ${domainId}  object_missing: no object in s3://***@bucket/\\x1b[2J`,
      '  run: x',
    ])
    expect(refusedText(chainOf('findings'), undefined)).toEqual([`not signed  ${domainId}  findings: why`])
    expect(signedText({ ...chainOf(), rows: 3 })).toBe(`${domainId}  signed through row 7, 3 new`)
  })

  it('have the same facts in JSON', () => {
    expect(signedJson({ domainId, size: 7, rows: 3, findings: [] })).toEqual({
      domain_id: domainId,
      signed_through: 7,
      rows_signed: 3,
    })
    expect(signedJson({ ...chainOf('too_long'), size: 0 })).toEqual({
      domain_id: domainId,
      signed_through: null,
      rows_signed: 0,
      not_signed_reason: 'too_long',
      message: `chain ${domainId}: why`,
    })
  })
})
