import { describe, expect, it } from 'vitest'
import { readManifest } from '../../src/bundle/manifest.js'
import { selectionJson } from '../../src/bundle/manifest-selection.js'
import { bundleResult } from '../../src/cli/bundle/json.js'
import { selectionText } from '../../src/cli/bundle/text.js'

const DOMAIN = '01a22458-a3d4-75bf-99d1-85c8283ab664'

const SELECTION = {
  kind: 'filtered',
  from_seq: 3,
  to_seq: 400,
  to_end: false,
  from: '2026-11-28T22:48:40.400000Z',
  filter: { object_type: 's3/bucket', correlation_id: 'one' },
} as const

function manifestOf(selection: object) {
  const counts = { rows: 0, first_seq: 0, last_seq: 0 }
  const manifest = { format: 'audit-bundle/1', domain_id: DOMAIN, selection, ...counts, segments: [] }
  return readManifest(Buffer.from(`${JSON.stringify(manifest, null, 2)}\n`))
}

describe('the selection of a manifest', () => {
  it('is decoded, and encoded with the same keys in the same order', () => {
    const { selection } = manifestOf(SELECTION)
    expect(selection).toEqual({
      kind: 'filtered',
      fromSeq: 3,
      toSeq: 400,
      toEnd: false,
      filter: { objectType: 's3/bucket', correlationId: 'one' },
    })
    const spelled = selectionJson(selection, { from: 1_795_906_120_400_000n })
    expect(JSON.stringify(spelled)).toBe(JSON.stringify(SELECTION))
  })

  it('is printed with its unknown keys', () => {
    const read = manifestOf({ zeta: 1, ...SELECTION })
    expect(read.selectionJson).toEqual({ ...SELECTION, zeta: 1 })
    expect(selectionText(read.selection)).toBe(
      'FILTERED from rows 3 to 400 (object_type = s3/bucket, correlation_id = one)',
    )
    const verdict = { domainId: DOMAIN, source: 'bundle', rows: 0, findings: [], ok: true, duration: 1 }
    const { selection, selectionJson: spelled } = read
    const printed = bundleResult({ ...verdict, complete: false, selection, selectionJson: spelled } as never)
    expect(JSON.stringify(printed.selection)).toBe(JSON.stringify(read.selectionJson))
  })
})
