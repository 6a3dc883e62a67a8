import { type Cell, keyValues } from '../output/table.js'
import type { IdentifiedJson, SubjectJson } from './json.js'

type Fields = (readonly [string, Cell])[]

/** Returns one block of fields for each subject, with every value escaped. */
export function identifiedText({ domain_id, subjects }: IdentifiedJson): string {
  return subjects
    .map((subject) => keyValues([['domain_id', domain_id], ...subjectFields(subject)]))
    .join('\n\n')
}

function subjectFields(subject: SubjectJson): Fields {
  return [
    ['pseudonym', subject.pseudonym],
    ['personal data', personalText(subject)],
    ['identity_id', subject.identity_id],
    ['name', subject.name],
    ['e-mail', subject.email],
    ['source_ip', subject.source_ip],
    ['claims', subject.claims.join(', ') || undefined],
    ['first_seen_at', subject.first_seen_at],
    ['last_seen_at', subject.last_seen_at],
    ...subject.addresses.map(({ ip, rows }) => ['address', `${ip} (rows: ${rows})`] as const),
    ...moreField('address', subject.addresses_total - subject.addresses.length),
    ...subject.user_agents.map(
      ({ user_agent, rows }) => ['user agent', `${user_agent} (rows: ${rows})`] as const,
    ),
    ...moreField('user agent', subject.user_agents_total - subject.user_agents.length),
    ['rows', rowsText(subject)],
    ['recorded', recordedText(subject)],
  ]
}

function personalText({ reveal, erasure }: SubjectJson): string {
  const erased = erasure && `erased by row ${erasure.seq} at ${erasure.recorded_at}`
  if (reveal !== undefined)
    return erased === undefined
      ? 'stored'
      : `stored, although ${erased}: the person came back, or the erasure was undone`
  return erased === undefined
    ? 'not stored: not given, or past its retention'
    : `not stored: ${erased}; the pseudonym and the rows remain`
}

function moreField(name: string, more: number): Fields {
  return more > 0 ? [[name, `and ${more} more`]] : []
}

function rowsText({ rows, first_seq, last_seq, first_recorded_at, last_recorded_at }: SubjectJson): string {
  if (first_seq === undefined) return '0'
  return `${rows}, from row ${first_seq} (${first_recorded_at}) to row ${last_seq} (${last_recorded_at})`
}

function recordedText({ reveal }: SubjectJson): string {
  return reveal === undefined
    ? 'no: nothing personal was shown'
    : `row ${reveal.seq} (audit.identity-reveal) records this`
}
