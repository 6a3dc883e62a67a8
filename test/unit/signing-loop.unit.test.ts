import { Writable } from 'node:stream'
import { afterEach, describe, expect, it, vi } from 'vitest'
import { AuditError } from '../../src/base/errors.js'
import { Output } from '../../src/cli/output/output.js'
import { pauseAfter } from '../../src/cli/sign/interval.js'
import { SigningLoop } from '../../src/cli/sign/loop.js'
import type { Signing } from '../../src/compose/sign/signing.js'
import type { ChainSigned } from '../../src/signer/sign-chain.js'

const domainId = '018f0000-0000-7000-8000-000000000001'
const signed = { domainId, size: 7, rows: 3, findings: [] }
const held: ChainSigned = { ...signed, rows: 0, reason: 'rows_held', message: `chain ${domainId}: row 8` }
const down = new AuditError('database_unavailable', 'the server does not answer')

afterEach(() => {
  vi.restoreAllMocks()
})

/** Runs a loop whose passes have these results. Returns what it prints on both streams, and how many passes it made. */
async function run(results: readonly unknown[], interval?: number) {
  const notes: string[] = []
  const printed: string[] = []
  vi.spyOn(process.stderr, 'write').mockImplementation((text) => notes.push(String(text).trimEnd()) > 0)
  const stdout = new Writable({
    write: (chunk, _encoding, done) => {
      printed.push(String(chunk).trimEnd())
      done()
    },
  })
  const stopping = new AbortController()
  let passes = 0
  const pass = async () => {
    const result = results[passes]
    passes += 1
    if (passes >= results.length) stopping.abort()
    if (result instanceof Error) throw result
    return result
  }
  const out = new Output(stdout)
  const options = { json: false, out, given: {}, held: new Set<string>(), interval }
  await new SigningLoop({ pass } as unknown as Signing, options).run(stopping.signal)
  out.flush()
  return { notes, printed, passes }
}

describe('the passes of the service', () => {
  it('print what was signed, and what lasts only when it begins and ends', async () => {
    const passes = [
      { chains: [held] },
      { chains: [{ ...held, message: `chain ${domainId}: row 9` }] },
      { chains: [signed] },
      { chains: [] },
    ]
    const { notes, printed } = await run(passes, 1)
    expect(printed).toEqual([`${domainId}  signed through row 7, 3 new`])
    expect(notes).toEqual([
      `not signed  ${domainId}  rows_held: row 8`,
      expect.stringMatching(/^ {2}run: audit quarantine list --all/),
      `${domainId}: signed again`,
    ])
  })

  it('print once that the key is missing, and go on', async () => {
    const passes = [{ reason: 'no_key' }, { reason: 'no_key' }, { chains: [signed] }]
    expect(await run(passes, 1)).toEqual({
      notes: ['not signing: log.key is missing', 'signing works again'],
      printed: [`${domainId}  signed through row 7, 3 new`],
      passes: 3,
    })
  })

  it('print once that PostgreSQL fails, and go on', async () => {
    const { notes } = await run([down, down, { chains: [] }], 1)
    expect(notes).toEqual(['not signing: the server does not answer', 'signing works again'])
  })

  it('end at a bug', async () => {
    await expect(run([new Error('bug'), { chains: [] }], 1)).rejects.toThrow('bug')
    await expect(run([new AuditError('internal', 'bug'), { chains: [] }], 1)).rejects.toThrow('bug')
  })

  it('end without a word where signing is off, and never begin with the interval 0', async () => {
    expect(await run([{ reason: 'off' }, { chains: [] }], 1)).toEqual({ notes: [], printed: [], passes: 1 })
    expect(await run([{ chains: [signed] }], 0)).toEqual({ notes: [], printed: [], passes: 0 })
  })

  it.each([
    [undefined, 0, 60_000],
    [undefined, 1_000, 60_000],
    [undefined, 1_001, 300_000],
    [5, 1_001, 5],
  ])('wait with the interval %s after %s chains that grew for %s ms', (given, growing, expected) => {
    expect(pauseAfter(given, growing)).toBe(expected)
  })
})
