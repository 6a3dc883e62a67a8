import { mayBeDamagedChain } from '../append/damaged-chain.js'
import { type SelfAuditAction, selfAuditItem } from '../append/self-audit-item.js'
import { AuditError } from '../base/errors.js'
import { checkedReason } from '../base/reason-text.js'
import { SELF_AUDIT } from '../chain/self-audit.js'
import { PLATFORM_ANCHOR } from '../chain/uuid.js'
import type { Pepper } from '../ports/pepper.js'
import type { ChainAudit, QuarantineRecord, QuarantineStore } from '../ports/quarantine.js'
import { streamQuarantine } from './quarantine.js'

export interface AcknowledgePorts {
  readonly store: QuarantineStore
  readonly pepper: Pepper
  /** The subject_id of the caller. */
  readonly actor: string
}

/**
 * Which records are meant: those with the ids, or the open ones up to an id, of one chain or of all. There is no way to mean
 * "all that are there now": a record that a verify adds in this moment was seen by nobody.
 */
export type ChosenRecords =
  | { readonly ids: readonly number[] }
  | { readonly upTo: number; readonly domainId?: string | undefined }

/** Records that one step acknowledges at most: each is a row of its own, in one transaction. */
const MOST = 10_000

/**
 * Marks records as handled, with a reason and a self-audit row for each on the chain concerned, or on the platform chain if
 * that chain is too damaged for an append. All of it is one transaction: either every record is acknowledged or none. The
 * reason is stored beside the records and never hashed, because it may name people. Returns the records by id. Rejects with
 * `invalid_input`, `quarantine_not_found`, `already_acknowledged`, and with the errors of an append.
 */
export async function acknowledgeQuarantine(
  ports: AcknowledgePorts,
  chosen: ChosenRecords,
  reason: string,
): Promise<readonly QuarantineRecord[]> {
  checkedReason(reason)
  const records =
    'ids' in chosen ? await recordsOf(ports.store, chosen.ids) : await openUpTo(ports.store, chosen)
  const ids = records.map(({ id }) => id)
  return ports.store.acknowledge(ids, reason, await auditsOf(ports, records), mayBeDamagedChain)
}

async function recordsOf(
  store: QuarantineStore,
  ids: readonly number[],
): Promise<readonly QuarantineRecord[]> {
  assertFew(new Set(ids).size)
  const records = await store.findAll(ids)
  const found = new Set(records.map(({ id }) => id))
  const absent = [...new Set(ids)].filter((id) => !found.has(id))
  if (absent.length > 0) throw noRecord(absent.join(', '))
  return records
}

async function openUpTo(
  store: QuarantineStore,
  { upTo, domainId }: { readonly upTo: number; readonly domainId?: string | undefined },
): Promise<readonly QuarantineRecord[]> {
  const last = await store.find(upTo)
  // A mistyped id that no record has would mean all that are there now.
  if (last === undefined) throw noRecord(String(upTo))
  if (domainId !== undefined && last.domainId !== domainId) {
    throw noRecord(String(upTo), ` of chain ${domainId}: it is a record of chain ${last.domainId}`)
  }
  const records: QuarantineRecord[] = []
  for await (const record of streamQuarantine(store, { domainId, unacknowledgedOnly: true })) {
    if (record.id > upTo) break
    assertFew(records.push(record))
  }
  if (records.length > 0) return records
  throw new AuditError(
    'already_acknowledged',
    `every quarantine record up to ${upTo} is already acknowledged`,
    {
      advice: { code: 'show_quarantine', id: upTo },
    },
  )
}

function assertFew(records: number): void {
  if (records <= MOST) return
  throw new AuditError(
    'invalid_input',
    `expected at most ${MOST} quarantine records in one step; nothing was acknowledged`,
    { advice: { code: 'acknowledge_fewer' } },
  )
}

function noRecord(ids: string, of = ''): AuditError {
  return new AuditError(
    'quarantine_not_found',
    `no quarantine record has id ${ids}${of}; nothing was acknowledged`,
    {
      advice: { code: 'list_quarantine' },
    },
  )
}

/** Returns the rows that record the step, by chain. Each row names one record. */
async function auditsOf(
  { pepper, actor }: AcknowledgePorts,
  records: readonly QuarantineRecord[],
): Promise<readonly ChainAudit[]> {
  const platform = await pepper.pepperOf(PLATFORM_ANCHOR).catch(() => undefined)
  const audits: ChainAudit[] = []
  for (const domainId of new Set(records.map((record) => record.domainId))) {
    const actions = records.filter((record) => record.domainId === domainId).map(actionOf)
    const own = selfAuditItem({ domainId, actor, pepper: await pepper.pepperOf(domainId) }, actions)
    const hasOther = domainId !== PLATFORM_ANCHOR && platform !== undefined
    const onPlatform = hasOther
      ? selfAuditItem({ domainId: PLATFORM_ANCHOR, actor, pepper: platform }, actions)
      : undefined
    audits.push({ own, onPlatform })
  }
  return audits
}

function actionOf({ id }: QuarantineRecord): SelfAuditAction {
  return { relation: SELF_AUDIT.quarantineAcknowledge, object: `quarantine:${id}`, relationPath: [] }
}
