import { describe, expect, it } from 'vitest'
import { encodeCanonical } from '../../src/chain/canonical.js'
import { LIMITS } from '../../src/chain/limits.js'
import { REASONS } from '../../src/chain/reason.js'
import { PLATFORM_ANCHOR } from '../../src/chain/uuid.js'
import { DOMAIN, entryAt } from '../support/chain-builder.js'
import { readSource } from '../support/imports.js'

const page = readSource('src/chain/FORMAT.md')
const rows = [...page.matchAll(/^\| (\d+) +\| `(\w+)` +\| (\w+) +\| (.*?) +\|$/gm)].map(
  ([, number, field = '', width = '', text = '']) => ({ number: Number(number), field, width, text }),
)

/** Reads bytes by the page's table alone. A field becomes latin1 text, a list an array. */
function readByTable(bytes: Buffer): Record<string, string | string[]> {
  let at = 0
  const take = (length: number) => {
    at += length
    return bytes.subarray(at - length, at).toString('latin1')
  }
  const u32 = () => Buffer.from(take(4), 'latin1').readUInt32BE()
  const str = () => take(u32())
  const read = (width: string) => {
    if (width === 'str') return str()
    if (width === 'list') return Array.from({ length: u32() }, str)
    return take(Number(width))
  }
  const fields = Object.fromEntries(rows.map(({ field, width }) => [field, read(width)]))
  expect(at).toBe(bytes.length)
  return fields
}

const hex = (text: string | string[] | undefined) => Buffer.from(String(text), 'latin1').toString('hex')

describe('FORMAT.md', () => {
  it('numbers its fields from 0', () => {
    expect(rows.map((row) => row.number)).toEqual(rows.map((_, i) => i))
    expect(rows).toHaveLength(12)
  })

  it('describes what the encoder writes', () => {
    const entry = entryAt(7)
    const fields = readByTable(Buffer.from(encodeCanonical(entry)))
    expect(fields).toMatchObject({
      magic: 'PXA1',
      relation: entry.relation,
      object: entry.object,
      reason: '\u0001',
      relation_path: entry.relationPath,
      caveat_context: entry.caveatContext,
      correlation_id: entry.correlationId,
      zedtoken: entry.zedtoken,
    })
    expect(hex(fields.domain_id)).toBe(DOMAIN.replaceAll('-', ''))
    expect(hex(fields.seq)).toBe('0000000000000007')
    expect(hex(fields.subject_pseudonym)).toBe(entry.subjectPseudonym)
    expect(BigInt(`0x${hex(fields.recorded_at)}`)).toBe(entry.recordedAt)
  })

  it('states the limits and the reasons of the code', () => {
    const text = (field: string) => rows.find((row) => row.field === field)?.text
    expect(text('relation')).toBe(`1 to ${LIMITS.relationBytes} bytes`)
    expect(text('object')).toContain(`id 1 to ${LIMITS.objectIdBytes} bytes`)
    expect(text('relation_path')).toContain(`${LIMITS.pathItems} items of 1 to ${LIMITS.pathItemBytes} bytes`)
    expect(text('caveat_context')).toContain(`at most ${LIMITS.caveatNames} names`)
    expect(text('correlation_id')).toBe(`at most ${LIMITS.correlationIdBytes} bytes`)
    expect(text('zedtoken')).toBe(`at most ${LIMITS.zedtokenBytes} bytes`)
    expect(text('reason')).toBe(REASONS.map((reason, i) => `${i + 1} ${reason}`).join(', '))
    expect(page).toContain(PLATFORM_ANCHOR)
  })
})
