import { createHmac } from 'node:crypto'
import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { WebhookAlerts } from '../../src/alerts/webhook.js'
import { AlertWindow } from '../../src/alerts/window.js'
import type { Finding, FindingCode } from '../../src/chain/finding.js'
import { WebhookServer } from '../support/webhook-server.js'

const SECRET = 'a secret of the receiver'
const A = '0190a8b8-a0c0-7a0a-8a0a-a0a0a0a0a0a1'
const B = '0190a8b8-a0c0-7a0a-8a0a-a0a0a0a0a0a2'
const QUICK = { attempts: 4, timeout: 150, firstWaitMs: 5, drain: 50 }

let server: WebhookServer
const dir = mkdtempSync(join(tmpdir(), 'alerts-'))
let notes: string[]

beforeAll(async () => {
  server = await WebhookServer.start()
})
beforeEach(() => {
  notes = []
  server.answer()
})
afterAll(async () => {
  await server.stop()
  rmSync(dir, { recursive: true })
})

const finding = (code: FindingCode, seqFrom: number, seqTo = seqFrom): Finding => ({
  code,
  seqFrom,
  seqTo,
  observed: 'ab'.repeat(32),
  detail: 'of Alice',
})
const EDIT = finding('entry_hash_mismatch', 4, 6)
const LINK = finding('broken_link', 9)

function alerts(
  window = new AlertWindow(undefined),
  url = server.url,
  signal = new AbortController().signal,
) {
  const settings = { url: new URL(url), secret: SECRET }
  return new WebhookAlerts({ settings, window, warn: (line) => notes.push(line), signal, limits: QUICK })
}

async function raised(on: WebhookAlerts, findings: readonly Finding[], domainId = A): Promise<void> {
  on.raise({ domainId, source: 'postgres', findings })
  await on.settled()
}

describe('an alert about a chain that is not signed', () => {
  const SINCE = Date.UTC(2026, 10, 22, 0, 16, 20, 668)
  const event = { domainId: A, reason: 'rows_held', since: SINCE }

  it('has the documented keys and is sent once a minute for each reason and chain', async () => {
    const on = alerts()
    on.notSigned(event)
    on.notSigned({ ...event, since: SINCE + 1 })
    on.notSigned({ ...event, reason: 'findings' })
    on.notSigned({ ...event, domainId: B })
    await on.settled()
    on.notSigned(event)
    await on.settled()
    const bodies = server.bodies()
    expect(bodies.map(({ domain_id, reason }) => [domain_id, reason])).toEqual([
      [A, 'rows_held'],
      [A, 'findings'],
      [B, 'rows_held'],
    ])
    expect(bodies[0]).toEqual({
      type: 'audit.not_signed',
      id: expect.stringMatching(/^[0-9a-f-]{36}$/),
      raised_at: expect.stringMatching(/Z$/),
      domain_id: A,
      reason: 'rows_held',
      since: '2026-11-22T00:16:20.668Z',
      dedup_key: expect.stringMatching(/^[0-9a-f]{64}$/),
    })
    expect(new Set(bodies.map(({ dedup_key }) => dedup_key)).size).toBe(3)
  })

  it('has the same dedup_key every time, and another one than a finding', async () => {
    const keys: unknown[] = []
    for (const on of [alerts(), alerts()]) {
      on.notSigned({ ...event, reason: 'findings' })
      await on.settled()
      keys.push(server.bodies().at(-1)?.dedup_key)
    }
    await raised(alerts(), [EDIT])
    keys.push(server.bodies().at(-1)?.dedup_key)
    expect(keys[0]).toBe(keys[1])
    expect(keys[2]).not.toBe(keys[0])
  })

  it('is retried and noted like every alert', async () => {
    server.answer(500, 500, 500, 500)
    const on = alerts()
    on.notSigned(event)
    await on.settled()
    expect(server.received).toHaveLength(4)
    expect(notes).toHaveLength(1)
  })
})

describe('an alert', () => {
  it('is sent once for each kind of finding, is signed, and names no person', async () => {
    await raised(alerts(), [EDIT, LINK, finding('entry_hash_mismatch', 20)])
    expect(server.bodies()).toMatchObject([
      {
        type: 'audit.divergence',
        domain_id: A,
        source: 'postgres',
        code: EDIT.code,
        findings: 2,
        seq_from: 4,
        seq_to: 6,
      },
      { code: 'broken_link', findings: 1, seq_from: 9, seq_to: 9, observed: 'ab'.repeat(32) },
    ])
    for (const { headers, body } of server.received) {
      const [, t = '', mac] = /^t=(\d+),v1=([0-9a-f]{64})$/.exec(String(headers['audit-signature'])) ?? []
      expect(mac).toBe(createHmac('sha256', SECRET).update(`${t}.${body}`).digest('hex'))
      expect(Math.abs(Date.now() / 1000 - Number(t))).toBeLessThan(60)
      expect(body).not.toContain('Alice')
      expect(headers['content-type']).toBe('application/json')
    }
    expect(notes).toEqual([])
  })

  it.each([
    ['fails twice', [500, 503]],
    ['does not answer at first', ['silence']],
    ['is busy at first', [429]],
  ] as const)('is sent again with the same id if the receiver %s', async (_, answers) => {
    server.answer(...answers)
    await raised(alerts(), [EDIT])
    const ids = server.bodies().map(({ id }) => id)
    expect([ids.length, new Set(ids).size]).toEqual([answers.length + 1, 1])
    expect(notes).toEqual([])
  })

  it.each([
    ['a redirect', [{ status: 302, headers: { location: '/elsewhere' } }], 1, 'HTTP 302'],
    ['a refusal', [401], 1, 'HTTP 401'],
    ['a failure at every attempt', [500, 500, 500, 500], 4, 'HTTP 500 at attempt 4'],
    ['silence', ['silence', 'silence', 'silence', 'silence'], 4, 'no answer in time at attempt 4'],
  ] as const)(
    'is dropped after %s, with a note that does not show the URL',
    async (_, answers, times, why) => {
      server.answer(...answers)
      await raised(alerts(), [EDIT])
      expect(server.received.map(({ path }) => path)).toEqual(
        Array(times).fill('/hook/TOKEN-not-to-be-shown'),
      )
      expect(notes).toEqual([`note: an alert was not delivered to ${new URL(server.url).host}: ${why}`])
    },
  )

  it('is dropped with the queued alerts if no server listens', async () => {
    const gone = await WebhookServer.start()
    const { url } = gone
    await gone.stop()
    const on = alerts(undefined, url)
    const codes: FindingCode[] = [
      'seq_gap',
      'broken_link',
      'malformed_row',
      'duplicate_seq',
      'head_mismatch',
      'copies_differ',
    ]
    await raised(
      on,
      codes.map((code) => finding(code, 1)),
    )
    expect(notes[0]).toMatch(/not delivered to 127\.0\.0\.1:\d+: ECONNREFUSED at attempt 4$/)
    expect(notes.at(-1)).toBe('note: 2 more alerts were not delivered')
  })

  it('is aborted when the program is asked to stop', async () => {
    server.answer('silence', 'silence', 'silence', 'silence')
    const stop = new AbortController()
    const settings = { url: new URL(server.url), secret: SECRET }
    const limits = { ...QUICK, timeout: 60_000 }
    const on = new WebhookAlerts({
      settings,
      window: new AlertWindow(undefined),
      warn: (line) => notes.push(line),
      signal: stop.signal,
      limits,
    })
    on.raise({ domainId: A, source: 'postgres', findings: [EDIT] })
    stop.abort()
    await on.settled()
    expect(notes).toEqual([expect.stringContaining('no answer in time')])
  })
})

describe('the limit of one alert a minute', () => {
  const clocked = (folder: string | undefined, at: { now: number }) => new AlertWindow(folder, () => at.now)

  it('sends one alert for each chain and kind from one process', async () => {
    const at = { now: 1_000_000_000_000 }
    const on = alerts(clocked(undefined, at))
    await raised(on, [EDIT])
    await raised(on, [finding('entry_hash_mismatch', 30)])
    await raised(on, [EDIT], B)
    await raised(on, [LINK])
    expect(server.bodies().map(({ domain_id, code }) => [domain_id, code])).toEqual([
      [A, 'entry_hash_mismatch'],
      [B, 'entry_hash_mismatch'],
      [A, 'broken_link'],
    ])
    at.now += 60_000
    await raised(on, [EDIT])
    expect(server.received).toHaveLength(4)
    const keys = server.bodies().map(({ dedup_key }) => dedup_key)
    expect([keys[0] === keys[3], new Set(keys).size]).toEqual([true, 3])
  })

  it('sends one alert from several processes of one machine', async () => {
    const folder = join(dir, 'shared')
    const at = { now: 1_000_000_000_000 }
    await raised(alerts(clocked(folder, at)), [EDIT])
    await Promise.all([1, 2, 3, 4].map(() => raised(alerts(clocked(folder, at)), [EDIT])))
    expect(server.received).toHaveLength(1)
    at.now += 120_000
    await Promise.all([1, 2, 3, 4].map(() => raised(alerts(clocked(folder, at)), [EDIT])))
    expect(server.received).toHaveLength(2)
    at.now += 120_000
    await raised(alerts(clocked(folder, at)), [EDIT])
    expect(readdirSync(folder).length).toBeLessThanOrEqual(2)
  })

  it('sends every second alert of a run every 50 seconds', async () => {
    const folder = join(dir, 'often')
    const start = 1_000_000_020_000
    const at = { now: start }
    const sent: number[] = []
    for (; at.now <= start + 300_000; at.now += 50_000) {
      if (await clocked(folder, at).claim('key')) sent.push((at.now - start) / 1000)
    }
    expect(sent).toEqual([0, 100, 200, 300])
  })

  it('does not repeat in a long-lived process what another process sent', async () => {
    const folder = join(dir, 'beside')
    const at = { now: 1_000_000_020_000 }
    const served = clocked(folder, at)
    expect(await clocked(folder, at).claim('key')).toBe(true)
    at.now += 59_000
    expect(await served.claim('key')).toBe(false)
    at.now += 1_000
    expect(await served.claim('key')).toBe(true)
  })

  it('sends an undelivered alert in the next run', async () => {
    const folder = join(dir, 'released')
    server.answer(400)
    await raised(alerts(new AlertWindow(folder)), [EDIT])
    await raised(alerts(new AlertWindow(folder)), [EDIT])
    expect(server.received).toHaveLength(2)
    expect(notes).toHaveLength(1)
  })

  it('sends an alert if the folder cannot be used', async () => {
    const file = join(dir, 'file')
    writeFileSync(file, '')
    await raised(alerts(new AlertWindow(join(file, 'alerts'))), [EDIT])
    expect(server.received).toHaveLength(1)
  })
})
