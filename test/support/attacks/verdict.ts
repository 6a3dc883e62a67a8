import { expect } from 'vitest'
import { PLATFORM_ANCHOR } from '../../../src/chain/uuid.js'
import { jsonLines } from '../cli.js'
import type { ExpectedFinding } from './attack.js'

/** The verdict of one `audit verify` on one chain. */
export interface ChainVerdict {
  readonly chain: string
  readonly ok: boolean
  readonly findings: readonly ExpectedFinding[]
}

type Hashes = { readonly expected?: string; readonly observed?: string }
type WireFinding = Omit<ExpectedFinding, 'chain'> & { readonly detail: string }
type WireResult = {
  readonly domain_id: string
  readonly ok: boolean
  readonly findings: readonly WireFinding[]
} & Readonly<Record<string, unknown>>

/** Parses the results of `verify --json`, and checks the fields that repeat the first finding. */
export function jsonVerdicts(stdout: string): ChainVerdict[] {
  const results = jsonLines(stdout).filter((line) => !isSummary(line)) as WireResult[]
  return results.map((result) => {
    const [first] = result.findings
    const { divergent_seq, expected_hash, observed_hash } = result
    expect({ divergent_seq, expected_hash, observed_hash }).toEqual({
      divergent_seq: first?.seq_from,
      expected_hash: first?.expected,
      observed_hash: first?.observed,
    })
    expect(result.ok).toBe(first === undefined)
    const chain = result.domain_id
    return { chain, ok: result.ok, findings: result.findings.map((found) => placeOf(chain, found)) }
  })
}

/** Returns where a finding is and its hashes. The rows that it shows have tests of their own. */
function placeOf(chain: string, finding: WireFinding): ExpectedFinding {
  const { detail, code, seq_from, seq_to, expected, observed } = finding
  expect(detail).not.toBe('')
  const hashes = { ...(expected !== undefined && { expected }), ...(observed !== undefined && { observed }) }
  return { chain, code, seq_from, seq_to, ...hashes }
}

/** Parses the last line of `verify --all --json`. */
export function isSummary(line: unknown): boolean {
  return typeof line === 'object' && line !== null && 'summary' in line
}

const CHAIN = /^(intact {2}|DIVERGED) {2}([0-9a-f-]{36}|platform chain)(?: {2}\S.*)? {2}rows /
const FINDING = /^ {2}([a-z_]+) {2}rows? (-?\d+)(?: to (\d+))?: \S/
const HASH = /^ {4}(expected|observed) {2}([0-9a-f]{64})$/

/** Parses the text output, so that it must have the same findings as the JSON output. */
export function textVerdicts(stdout: string): ChainVerdict[] {
  const blocks = stdout.split(/^(?=intact {2}|DIVERGED)/m).filter((block) => CHAIN.test(block))
  return blocks.map((block) => {
    const [, verdict, called = ''] = CHAIN.exec(block) ?? []
    const chain = called === 'platform chain' ? PLATFORM_ANCHOR : called
    const findings = block.split(/^(?= {2}[a-z_]+ {2}rows? )/m).slice(1)
    return { chain, ok: verdict !== 'DIVERGED', findings: findings.map((text) => textFinding(chain, text)) }
  })
}

function textFinding(chain: string, text: string): ExpectedFinding {
  const [first = '', ...rest] = text.split('\n')
  const [, code = '', from, to = from] = FINDING.exec(first) ?? []
  const hashes = rest.map((line) => HASH.exec(line)).filter((match) => match !== null)
  const named: Hashes = Object.fromEntries(hashes.map(([, name, hash]) => [name, hash]))
  return { chain, code, seq_from: Number(from), seq_to: Number(to), ...named }
}

/** Parses the records of `quarantine list --json` as findings. */
export function quarantined(records: readonly unknown[]): ExpectedFinding[] {
  return (records as Record<string, unknown>[]).map((record) => {
    expect(record.divergent_seq).toBe(record.seq_from)
    expect(record.source).toBe('postgres')
    return {
      chain: String(record.domain_id),
      code: String(record.code),
      seq_from: Number(record.seq_from),
      seq_to: Number(record.seq_to),
      ...(record.expected_hash !== undefined && { expected: String(record.expected_hash) }),
      ...(record.observed_hash !== undefined && { observed: String(record.observed_hash) }),
    }
  })
}
