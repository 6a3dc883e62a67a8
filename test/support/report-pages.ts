import { pageAssets, reportPage } from '../../src/cli/report/page/document.js'
import type { ChainReport, ReportData } from '../../src/cli/report/page/report-data.js'
import { RowList } from '../../src/cli/report/page/row-list.js'
import { ReportCollector } from '../../src/report/collector.js'
import type { Verdict } from '../../src/verify/verdict.js'
import { chainOf, DOMAIN, stored } from './chain-builder.js'

type Row = Parameters<typeof stored>[0]

/** A verdict on a whole chain, intact unless `patch` says otherwise. */
export function verdictOn(rows: readonly Row[], patch: Partial<Verdict> = {}): Verdict {
  const last = rows.at(-1)
  const findings = patch.findings ?? []
  return {
    ok: findings.length === 0,
    domainId: DOMAIN,
    source: 'mirror',
    segmentFrom: 1,
    segmentTo: rows.length,
    rows: rows.length,
    head: { seq: last?.seq ?? 0, hash: last?.entryHash ?? '' },
    end: 'unproven',
    findings,
    doubts: [],
    durationMs: 1,
    ...patch,
  }
}

/** A report on one chain whose rows are in a list. */
export interface BuiltReport {
  readonly data: ReportData
  readonly rows: RowList
}

/** Returns the report of a chain of these rows. */
export function reportOn(
  rows: readonly Row[] = chainOf(12),
  chain: Partial<ChainReport> = {},
  data: Partial<ReportData> = {},
): BuiltReport {
  const list = new RowList()
  const collector = new ReportCollector({
    fromSeq: 1,
    list: (row) => list.add(0, row),
    unlist: () => list.cut(0),
  })
  for (const row of rows) collector.addStored(stored(row))
  const tally = collector.result({ top: 10, bars: 96 })
  const report = { domainId: DOMAIN, verdict: verdictOn(rows), tally, pins: [], ...chain }
  return {
    rows: list,
    data: {
      tool: 'audit-chain/0.0.0',
      madeAt: '2026-05-01T12:00:00Z',
      copy: 'the mirror file:///copy',
      source: 'mirror',
      chains: [report],
      doubts: [],
      others: [],
      filter: [],
      hasContext: false,
      isInBundle: false,
      commands: [`audit verify --domain ${DOMAIN} --source mirror --mirror file:///copy`],
      ...data,
    },
  }
}

/** Returns the whole page as one text. */
export function pageOf({ data, rows }: BuiltReport): string {
  return [...reportPage(data, rows, pageAssets())].join('')
}
