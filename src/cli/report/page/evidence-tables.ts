import type {
  ContextRow,
  FieldChange,
  FieldValue,
  RowCheck,
} from '../../../chain/evidence/finding-evidence.js'
import type { Finding } from '../../../chain/finding.js'
import { type Html, html } from './html.js'

/** Returns what was changed, field by field, where two copies were read and differ, or an object differs from its own canonical bytes. */
export function changesTable({ changes = [], original, rowsChanged = 0 }: Finding): Html | undefined {
  if (changes.length === 0) return undefined
  const isOwn = changes.some(({ canonical }) => canonical !== undefined)
  const [one, other] = isOwn
    ? ["The object's own canonical bytes", 'Its fields']
    : [`Database${mark(original, 'postgres')}`, `Mirror${mark(original, 'mirror')}`]
  const shown = new Set(changes.map(({ seq }) => seq)).size
  const more = rowsChanged > shown ? `, of the first ${shown} of ${rowsChanged} rows that differ` : ''
  return html`<div class="scroll" tabindex="0" role="region" aria-label="What was changed"><table>
<caption>What was changed${more}</caption>
<thead><tr><th scope="col" class="number">Row</th><th scope="col">Field</th><th scope="col">${one}</th><th scope="col">${other}</th></tr></thead>
<tbody>
${changes.map(changeLine)}
</tbody></table></div>`
}

function mark(original: Finding['original'], copy: 'postgres' | 'mirror'): string {
  if (original === undefined) return ''
  return original === copy ? ' (fits the rows around it)' : ' (does not fit)'
}

function changeLine({ seq, field, postgres, mirror, canonical }: FieldChange): Html {
  return html`<tr><th scope="row" class="number">${seq}</th><td><code>${field}</code></td><td class="value">${valueText(canonical ?? postgres)}</td><td class="value">${valueText(mirror)}</td></tr>`
}

/** Returns the rows of a finding with the rows before and after them. */
export function contextTable(finding: Finding): Html | undefined {
  const { context = [] } = finding
  if (context.length === 0) return undefined
  return html`<div class="scroll" tabindex="0" role="region" aria-label="Rows around the finding"><table class="around">
<caption>Rows around the finding</caption>
<thead><tr><th scope="col" class="number">Row</th><th scope="col">Copy</th><th scope="col">State</th><th scope="col">Recorded</th><th scope="col">Decision</th><th scope="col">Relation</th><th scope="col">Object</th><th scope="col">Subject</th></tr></thead>
<tbody>
${context.map((row) => contextLine(row, finding))}
</tbody></table></div>`
}

const CHECK_WORDS = {
  ok: 'recomputes',
  damaged: 'changed',
  unlinked: 'does not follow from the row before',
} as const satisfies Record<RowCheck, string>

const COPY_WORDS = { postgres: 'database', mirror: 'mirror', bundle: 'bundle' } as const

function contextLine({ seq, copy, check, fields }: ContextRow, { seqFrom, seqTo }: Finding): Html {
  const isStruck = seq >= seqFrom && seq <= seqTo
  const { recorded_at, reason, relation, object, subject_pseudonym } = fields
  return html`<tr${isStruck ? STRUCK : undefined}><th scope="row" class="number">${seq}</th><td class="copy">${COPY_WORDS[copy ?? 'bundle']}</td><td class="state">${check === undefined ? 'not recomputed' : CHECK_WORDS[check]}</td><td class="time">${timeText(valueText(recorded_at))}</td><td class="decision">${valueText(reason)}</td><td class="value">${valueText(relation)}</td><td class="value">${valueText(object)}</td><td class="hash">${valueText(subject_pseudonym).slice(0, 16)}</td></tr>`
}

const STRUCK = html` class="struck"`

/** Writes a time as the table of rows does. Another text stays as it is stored. */
function timeText(text: string): string {
  return text.replace(/^(\d{4}-\d\d-\d\d)T([\d:.]+)Z$/, '$1 $2')
}

/** Returns a stored value as one text; a dash for one that the copy does not have. */
function valueText(value: FieldValue | undefined): string {
  if (value === undefined) return '–'
  if (typeof value === 'number') return String(value)
  // A list as JSON: ["a, b"] and ["a", "b"] must not look alike.
  return typeof value === 'string' ? value : JSON.stringify(value)
}
