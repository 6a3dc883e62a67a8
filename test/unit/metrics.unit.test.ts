import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { MAX_CHAINS } from '../../src/http/metrics/described.js'
import { metricsOf } from '../../src/http/metrics/metrics.js'
import { ROUTES } from '../../src/http/metrics/routes.js'
import { listenForScrapes } from '../../src/http/metrics/server.js'
import type { Figures } from '../../src/reconcile/figures.js'
import { ROOT } from '../support/cli.js'

const chain = (domainId: string) => ({
  domainId,
  rows: 12,
  verifiedSeq: 10,
  verifiedAge: 3,
  fullAge: 60,
  unarchived: 4,
  archiveLag: 9,
  isUncheckable: false,
  signed: undefined,
})

const signed = (domainId: string, waitingSeconds?: number) => ({
  domainId,
  signedSeq: 7,
  ageSeconds: 40,
  unsignedRows: waitingSeconds === undefined ? 0 : 2,
  waitingSeconds,
})

const FIGURES: Figures = {
  state: 'diverged',
  settings: { every: 30_000, fullEvery: 86_400_000, concurrency: 2, patience: 10_000 },
  chains: [chain('a'), { ...chain('b'), verifiedAge: undefined, fullAge: undefined, isUncheckable: true }],
  quarantined: [
    { code: 'broken_link', acknowledged: false, count: 2 },
    { code: 'other', acknowledged: true, count: 1 },
    { code: 'other', acknowledged: true, count: 5 },
  ],
  errors: new Map([['generation_unknown', 3]]),
  rows: { boot: 24, tail: 5, rolling: 7 },
}

const make = (figures: Figures = FIGURES) => metricsOf({ version: '1.2.3', figures: () => figures })
const lines = async (figures?: Figures) =>
  (await make(figures).text()).split('\n').filter((line) => line.startsWith('audit_'))

describe('metricsOf', () => {
  it('reports the figures of the probe', async () => {
    expect(await lines()).toEqual(
      expect.arrayContaining([
        `audit_build_info{version="1.2.3",node="${process.version}"} 1`,
        'audit_integrity_state{state="diverged"} 1',
        'audit_integrity_state{state="ready"} 0',
        'audit_quarantine_findings{code="broken_link",acknowledged="false"} 2',
        'audit_quarantine_findings{code="other",acknowledged="true"} 6',
        'audit_probe_errors_total{code="generation_unknown"} 3',
        'audit_probe_rows_total{pass="boot"} 24',
        'audit_probe_full_every_seconds 86400',
        'audit_chains 2',
        'audit_chains_unchecked 1',
        'audit_chains_pending 1',
        'audit_verified_age_max_seconds 3',
        'audit_full_pass_age_max_seconds 60',
        'audit_archive_lag_max_seconds 9',
        'audit_rows 24',
        'audit_chain_rows{domain_id="b"} 12',
        'audit_chain_verified_seq{domain_id="a"} 10',
        'audit_chain_verified_age_seconds{domain_id="a"} 3',
        'audit_chain_full_pass_age_seconds{domain_id="a"} 60',
        'audit_chain_archive_lag_rows{domain_id="a"} 4',
        'audit_chain_archive_lag_seconds{domain_id="a"} 9',
      ]),
    )
  })

  it('reports the figures of signed heads, and no series of a chain that was never signed', async () => {
    const chains = [{ ...chain('a'), signed: signed('a', 901) }, chain('b')]
    const all = (await lines({ ...FIGURES, chains })).filter((line) => /sign/.test(line))
    expect(all).toEqual([
      'audit_signer_refused 1',
      'audit_signed_seq{domain_id="a"} 7',
      'audit_signed_age_seconds{domain_id="a"} 40',
      'audit_unsigned_rows{domain_id="a"} 2',
    ])
  })

  it.each([
    ['is signed up to its last archived row', undefined, 0],
    ['has waited for a signature for 15 minutes', 900, 0],
    ['has waited for longer', 900.1, 1],
  ])('counts a chain as refused or not where it %s', async (_how, waiting, refused) => {
    const chains = [{ ...chain('a'), signed: signed('a', waiting) }, chain('b')]
    expect(await lines({ ...FIGURES, chains })).toContain(`audit_signer_refused ${refused}`)
  })

  it('leaves out an age that does not exist yet', async () => {
    const ages = (await lines()).filter((line) => /age/.test(line) && /domain_id="b"/.test(line))
    expect(ages).toEqual([])
    expect((await lines({ ...FIGURES, chains: [] })).filter((line) => /age_max/.test(line))).toEqual([])
  })

  it('forgets the label values of the previous scrape', async () => {
    let figures = FIGURES
    const metrics = metricsOf({ version: '', figures: () => figures })
    await metrics.text()
    figures = { ...FIGURES, chains: [chain('c')], quarantined: [] }
    expect(await metrics.text()).not.toMatch(/domain_id="a"|broken_link/)
  })

  it('counts requests by route, and all unknown paths as one route', async () => {
    const metrics = make()
    metrics.onAnswered({ operation: 'GetAuditEntry', status: 200, seconds: 0.003 })
    metrics.onAnswered({ operation: 'other', status: 404, seconds: 0 })
    metrics.onAnswered({ operation: 'constructor', status: 404, seconds: 0 })
    const text = await metrics.text()
    const route = '/v1/domains/{domain_id}/audit/entries/{seq}'
    expect(text).toContain(`audit_http_requests_total{route="${route}",method="GET",status="200"} 1`)
    expect(text).toContain('audit_http_requests_total{route="other",method="other",status="404"} 2')
    expect(text).toContain(
      `audit_http_request_duration_seconds_bucket{le="0.005",route="${route}",method="GET"} 1`,
    )
  })

  it('has a limited number of chains with their own series, and sums over all chains', async () => {
    const chains = Array.from({ length: MAX_CHAINS + 5 }, (_, i) => chain(`c${i}`))
    const all = await lines({ ...FIGURES, chains })
    expect(all.filter((line) => line.startsWith('audit_chain_rows{'))).toHaveLength(MAX_CHAINS)
    expect(all).toContain(`audit_rows ${12 * chains.length}`)
  })

  it('names the documented routes and no other', () => {
    const { paths } = JSON.parse(readFileSync(join(ROOT, 'docs/openapi.json'), 'utf8')) as {
      paths: Record<string, Record<string, { operationId: string }>>
    }
    const documented = Object.entries(paths).flatMap(([route, methods]) =>
      Object.entries(methods).map(([method, { operationId }]) => [
        operationId,
        { method: method.toUpperCase(), route },
      ]),
    )
    expect(Object.fromEntries(documented)).toEqual(ROUTES)
  })
})

describe('listenForScrapes', () => {
  it('answers GET /metrics and nothing else', async () => {
    const { url, close } = await listenForScrapes(make(), '127.0.0.1', 0)
    const base = url.replace('/metrics', '')
    const asked = [
      fetch(url),
      fetch(`${url}?x=1`),
      fetch(url, { method: 'POST', body: 'x' }),
      fetch(base),
      fetch(`${base}/metrics/`),
      fetch(`${base}/readyz`),
    ]
    const answers = await Promise.all(asked)
    const type = answers[0]?.headers.get('content-type')
    expect(answers.map(({ status }) => status)).toEqual([200, 200, 405, 404, 404, 404])
    expect(type).toMatch(/^text\/plain; version=0\.0\.4/)
    await close()
  })
})
