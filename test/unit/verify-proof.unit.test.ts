import { describe, expect, it } from 'vitest'
import { AuditError } from '../../src/base/errors.js'
import { parseTlogProof, tlogProofText } from '../../src/chain/note/tlog-proof.js'
import { PROOF_TOOLS } from '../../src/compose/read/proof.js'
import { type ExpectedRow, type ProofResult, readProof, verifyProof } from '../../src/proof/verify-proof.js'
import { TLOG, unhex } from '../support/tlog-vectors.js'

const octets = (text: string) => new TextEncoder().encode(text)
const [ROW, BARE] = TLOG.verify_proof

function resultOf(file: string, policy: string, expected?: ExpectedRow): ProofResult {
  return verifyProof(readProof(octets(file), octets(policy), PROOF_TOOLS), expected, PROOF_TOOLS)
}

function codeOf(judge: () => ProofResult): string {
  try {
    return judge().code
  } catch (error) {
    if (error instanceof AuditError) return error.code
    throw error
  }
}

/** Returns the row's file with other extra data. */
function withExtra(extra: Uint8Array): string {
  const file = ROW?.file ?? ''
  const proof = parseTlogProof(file)
  if (proof === undefined) throw new Error('expected a proof')
  return tlogProofText({ ...proof, extra }, file.slice(file.indexOf('\n\n') + 2))
}

describe('a proof', () => {
  it.each(TLOG.verify_proof)('of the vectors gives $code: $why', ({ file, policy, entry_hash, code }) => {
    const expected = entry_hash === undefined ? undefined : { entryHash: entry_hash }
    expect(codeOf(() => resultOf(file, policy, expected))).toBe(code)
  })

  it('says which row it proves, and who signed it', () => {
    const [chain] = TLOG.keys.chains
    expect(resultOf(ROW?.file ?? '', ROW?.policy ?? '')).toMatchObject({
      domainId: chain?.domain_id,
      entry: { domainId: chain?.domain_id },
      entryHash: BARE?.entry_hash,
      log: { name: chain?.origin },
      witnesses: [],
    })
  })

  it.each<[string, string, ExpectedRow | undefined, string]>([
    ['an object that is another row', ROW?.file ?? '', { problem: 'another row' }, 'wrong_row'],
    [
      'a row of 7 bytes',
      withExtra(octets(`PXA1-row${'x'.repeat(7)}`)),
      { entryHash: BARE?.entry_hash ?? '' },
      'wrong_row',
    ],
    ['bytes that are no row', withExtra(octets(`PXA1-row${'x'.repeat(99)}`)), undefined, 'wrong_row'],
    [
      'a hole of the tree',
      withExtra(Uint8Array.of(...octets('PXA1-leaf'), ...new Uint8Array(32))),
      undefined,
      'wrong_row',
    ],
    ['the data of another program', withExtra(octets('other')), undefined, 'usage'],
    [
      'the data of another program, with the entry_hash',
      withExtra(octets('other')),
      { entryHash: BARE?.entry_hash ?? '' },
      'proven',
    ],
  ])('with %s is %4$s', (_why, file, expected, code) => {
    expect(codeOf(() => resultOf(file, ROW?.policy ?? '', expected))).toBe(code)
  })

  it('does not prove a hole that is named by its entry_hash', () => {
    const expected = { entryHash: '00'.repeat(32) }
    expect(codeOf(() => resultOf(BARE?.file ?? '', BARE?.policy ?? '', expected))).toBe('wrong_row')
  })

  it.each([
    ['that is not UTF-8', Uint8Array.of(...octets(ROW?.file ?? ''), 0xff)],
    ['with a byte order mark', Uint8Array.of(...unhex('efbbbf'), ...octets(ROW?.file ?? ''))],
    ['of more than 256 KiB', new Uint8Array(256 * 1024 + 1).fill(0x61)],
    [
      'of a log whose origin names no chain',
      octets((ROW?.file ?? '').replaceAll(/audit\.example\.com\/tlog\/[0-9a-f-]{36}/g, 'x')),
    ],
  ])('%s is malformed', (_why, file) => {
    expect(() => readProof(file, octets(ROW?.policy ?? ''), PROOF_TOOLS)).toThrow(
      expect.objectContaining({ code: 'checkpoint_malformed' }),
    )
  })

  it('is not looked at with a policy that is not valid', () => {
    expect(() => readProof(octets(''), octets(''), PROOF_TOOLS)).toThrow(
      expect.objectContaining({ code: 'policy_invalid' }),
    )
  })
})
