import { randomUUID } from 'node:crypto'
import { open } from 'node:fs/promises'
import { REASONS } from '../../src/chain/reason.js'

/** An entry like a platform's: about 410 bytes a row, few subjects and relations, many objects. */
export interface BenchEntry {
  readonly subject_id: string
  readonly relation: string
  readonly object: string
  readonly reason: string
  readonly relation_path: readonly string[]
  readonly caveat_context: readonly string[]
  readonly correlation_id: string
  readonly zedtoken: string
}

const MIX = [
  'granted',
  'granted',
  'granted',
  'granted',
  'granted',
  'granted',
  'granted',
  'insufficient_relation',
]

export function benchEntry(i: number): BenchEntry {
  const isDenied = i % 8 === 7
  return {
    subject_id: `service-account-${i % 997}`,
    relation: `compute.instances.action-${i % 61}`,
    object: `instance/${i % 7 === 0 ? 'disk' : 'node'}:zone-${i % 13}/vm-${i % 50_021}`,
    reason: MIX[i % 8] ?? 'granted',
    relation_path: i % 16 === 0 ? ['domain:acme#admin', 'group:ops#member'] : [],
    caveat_context: isDenied ? ['within_time_window.start'] : [],
    correlation_id: `req-${(i * 2_654_435_761).toString(16).padStart(16, '0')}`,
    zedtoken: 'GhUKEzE2ODY2NTk0NTQwMDAwMDAwMDA=',
  }
}

/** Returns the entry of {@link benchEntry} for a caller in code. */
export function unchecked(i: number, domainId: string) {
  const { subject_id, reason, relation_path, caveat_context, correlation_id, ...plain } = benchEntry(i)
  return {
    ...plain,
    subjectId: subject_id,
    reason: REASONS.find((known) => known === reason) ?? 'granted',
    relationPath: [...relation_path],
    caveatContext: [...caveat_context],
    correlationId: correlation_id,
    domainIds: [domainId],
  }
}

/** What entries have besides the fields of {@link BenchEntry}. */
export interface Extras {
  readonly keys?: boolean
  readonly subject?: boolean
  readonly context?: boolean
}

function extrasOf(i: number, { keys, subject, context }: Extras) {
  return {
    ...(keys && { idempotency_key: randomUUID() }),
    ...(subject && { subject: { plaintext: `Service Account ${i % 997}` } }),
    ...(context && {
      context: {
        ip: `10.0.${i % 251}.${i % 241}`,
        user_agent: 'terraform/1.9',
        metadata: { attempt: i % 5 },
      },
    }),
  }
}

/** Writes `rows` entries as NDJSON, so that no measurement includes making them. */
export async function writeNdjson(path: string, rows: number, extras: Extras = {}): Promise<void> {
  const file = await open(path, 'w')
  for (let at = 0; at < rows; at += 5000) {
    const lines = Array.from({ length: Math.min(5000, rows - at) }, (_, i) =>
      JSON.stringify({ ...benchEntry(at + i), ...extrasOf(at + i, extras) }),
    )
    await file.write(`${lines.join('\n')}\n`)
  }
  await file.close()
}
