import type { ProofResult, ProvenRow } from '../../proof/verify-proof.js'
import type { Cell } from '../output/table.js'
import { provenEntry } from './json.js'

type Field = readonly [string, Cell]

/** A policy with the key of the platform chain proves no row of a Domain, which has a key of its own. */
const NEXT: Field = [
  'policy',
  'each chain has a key of its own; the operator runs: audit log policy --domain UUID',
]

/** Returns the lines that `verify-proof` prints, one field on each. */
export function proofFields(result: ProofResult): readonly Field[] {
  if (result.code !== 'proven') {
    const next: readonly Field[] = result.code === 'not_signed' ? [NEXT] : []
    return [[result.code, `not proven: ${result.problem}`], ...next]
  }
  const { domainId, seq, entryHash, size, log, witnesses } = result
  return [
    ['proven', `row ${seq} of ${domainId}`],
    ['entry_hash', entryHash],
    ['signed by', `${log.name} (key ${log.id}), over ${size} rows`],
    ...witnesses.map(({ name, id }): Field => ['seen by', `${name} (key ${id})`]),
    ...rowFields(result),
  ]
}

function rowFields({ entry: row }: ProvenRow): Field[] {
  if (row === undefined) return [['row', 'not in this file: it proves the entry_hash alone']]
  const entry = provenEntry(row)
  return [
    ['recorded_at', entry.occurred_at],
    ['reason', entry.reason],
    ['subject', entry.subject.pseudonym],
    ['relation', entry.relation],
    ['object', `${entry.object.type}:${entry.object.id}`],
    ['correlation_id', entry.correlation_id || undefined],
  ]
}
