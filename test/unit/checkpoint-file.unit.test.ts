import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { nodeHasher } from '../../src/base/node-hasher.js'
import { readCheckpointFile } from '../../src/verify/signed/checkpoint-file.js'
import { HASHER, TLOG } from '../support/tlog-vectors.js'

const read = (text: string | Uint8Array) =>
  readCheckpointFile(typeof text === 'string' ? Buffer.from(text) : text, {
    hasher: nodeHasher,
    treeHasher: HASHER,
  })
const DOMAIN = '0190a5d0-7e57-7000-8000-000000000001'
const [kept, ...others] = TLOG.kept

describe('a checkpoint file', () => {
  it.each(TLOG.kept)('of $size rows pins the entry_hash of its last row', ({ size, entry_hash, text }) => {
    expect(read(text)).toMatchObject({ domainId: DOMAIN, incarnation: 1, size, entryHash: entry_hash })
  })

  it('may be a note, which pins a root alone', () => {
    const file = read(TLOG.checkpoint.cosigned)
    expect(file).toMatchObject({ logName: 'audit.example.com/tlog', domainId: DOMAIN, size: 513 })
    expect(file).not.toHaveProperty('entryHash')
  })

  it('may be the proof of an older row, which pins the root alone', () => {
    const proofs = TLOG.verify_proof.filter(({ code }) => code === 'proven').map(({ file }) => file)
    const read_ = proofs.map(read)
    expect(read_.every((file) => 'size' in file)).toBe(true)
    expect(proofs.some((text) => /^extra /m.test(text))).toBe(true)
  })

  const path = (text: string) => text.replace(/^(index \d+\n)./m, (_, line: string) => `${line}z`)
  it.each<readonly [string, string | Uint8Array]>([
    ['nothing', ''],
    ['a body without a signature', TLOG.checkpoint.body],
    ['a log without a chain', TLOG.checkpoint.signed.replaceAll(`/${DOMAIN}`, '')],
    ['bytes that are no UTF-8', Uint8Array.of(0xff, 0xfe)],
    ['more than 256 KiB', `${TLOG.checkpoint.signed}${'x'.repeat(256 * 1024)}`],
    [
      'the entry_hash of another row',
      (kept?.text ?? '').replace(/^extra .*$/m, others[0]?.text.split('\n')[1] ?? ''),
    ],
    ['another path', path(others[0]?.text ?? '')],
    [
      'bytes that are no row',
      (kept?.text ?? '').replace(/^extra .*$/m, `extra ${btoa(`PXA1-row${'x'.repeat(40)}`)}`),
    ],
  ])('is refused with %s', (_name, bytes) => {
    expect(read(bytes)).toEqual({ problem: expect.any(String) })
  })

  it('never throws', () => {
    const edited = fc
      .tuple(
        fc.constantFrom(...TLOG.kept.map(({ text }) => text), TLOG.checkpoint.cosigned),
        fc.nat(),
        fc.string(),
      )
      .map(
        ([text, at, piece]) =>
          text.slice(0, at % text.length) + piece + text.slice((at + piece.length) % text.length),
      )
    fc.assert(
      fc.property(fc.oneof(edited, fc.string()), (text) => {
        expect(read(text)).toBeTypeOf('object')
      }),
    )
    fc.assert(fc.property(fc.uint8Array(), (bytes) => 'problem' in read(bytes)))
  })
})
