import { setTimeout as sleep } from 'node:timers/promises'
import { expect, it, vi } from 'vitest'
import type { Finding } from '../../src/chain/finding.js'
import type { QuarantineStore } from '../../src/ports/quarantine.js'
import { OpenFindings } from '../../src/reconcile/findings.js'
import { A } from '../support/attacks/chains.js'

const FINDING: Finding = { code: 'entry_hash_mismatch', seqFrom: 5, seqTo: 5, detail: '' }

/** A quarantine whose answer to a write comes long after the record can be read. */
function slowQuarantine() {
  let records = 0
  const store = {
    record: async () => {
      records += 1
      await sleep(20)
      return 1
    },
  } as unknown as QuarantineStore
  const overview = {
    mark: async () => String(records),
    read: async () => ({
      counts: records === 0 ? [] : [{ code: FINDING.code, acknowledged: false, count: records }],
      acknowledged: [],
    }),
  }
  return { store, overview, addByAnother: () => (records += 1) }
}

it('reports the records of another process as added, and not those that it has just written itself', async () => {
  const { store, overview, addByAnother } = slowQuarantine()
  const onAdded = vi.fn()
  const others = { onFound: () => {}, onRecorded: () => {}, onUnrecorded: () => {}, onRemoved: () => {} }
  const findings = new OpenFindings({ quarantine: store, overview, onAdded, ...others })
  await findings.refresh(0)
  findings.add(A, [FINDING])
  await Promise.all([findings.record(A), findings.refresh(1)])
  expect([findings.open, onAdded.mock.calls]).toEqual([1, []])
  addByAnother()
  await findings.refresh(2)
  expect([findings.open, onAdded.mock.calls]).toEqual([2, [[1]]])
})
