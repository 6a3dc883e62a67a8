import { type SelfAuditActor, selfAuditItem } from '../append/self-audit-item.js'
import { wireTime } from '../base/wire-time.js'
import { SELF_AUDIT } from '../chain/self-audit.js'
import { formatTimestamp } from '../chain/timestamp.js'
import type {
  PurgedBatch,
  PurgePosition,
  PurgeStep,
  RetentionState,
  RetentionStore,
} from '../ports/retention.js'
import { type Counts, chainAction, heldOf, type OnChain, type RetentionPorts } from './retention.js'

/** Contexts and mappings each that go in one transaction at most: the chain's appends wait for some 50 ms. */
const BATCH = 5_000

/** What a purge deleted or, of a dry run, would delete. */
export interface PurgeJson {
  readonly domain_id: string
  readonly dry_run: boolean
  readonly personal_data_before: string
  readonly mappings: number
  readonly contexts: number
  readonly held: Counts
  readonly chain_holds: readonly number[]
  /** The self-audit rows, one a transaction. */
  readonly rows: readonly { readonly seq: number; readonly entry_hash: string }[]
}

/** Changes nothing. Rejects with `domain_not_found`. */
export async function previewPurge(store: RetentionStore, domainId: string): Promise<PurgeJson> {
  const { mappings, contexts, ...state } = await store.state(domainId)
  return purgeJson(domainId, state, { mappings, contexts, rows: [], dryRun: true })
}

/**
 * Purges the personal data of a chain that is past its window, in transactions of a bounded size, each with the row that
 * tells of it; interrupted, it can be run again. What single holds cover is passed over and counted. Rejects with
 * `legal_hold` where one covers the whole chain, with `domain_not_found`, and as an append does.
 */
export async function applyRetention(
  { store, pepper }: RetentionPorts,
  { domainId, actor }: OnChain,
  signal: AbortSignal,
  batch = BATCH,
): Promise<PurgeJson> {
  const state = await store.state(domainId)
  const selfAuditActor: SelfAuditActor = { domainId, actor, pepper: await pepper.pepperOf(domainId) }
  const steps: PurgeStep[] = []
  for (let from: PurgePosition | undefined = START; from !== undefined; ) {
    signal.throwIfAborted()
    const step: PurgeStep = await store.purge(domainId, from, batch, (purged) =>
      selfAuditItem(selfAuditActor, [chainAction(SELF_AUDIT.retentionPurge, domainId, figuresOf(purged))]),
    )
    steps.push(step)
    from = step.next
  }
  return purgeJson(domainId, state, {
    mappings: sum(steps, (step) => step.mappings),
    contexts: sum(steps, (step) => step.contexts),
    rows: steps.flatMap(({ auditRow }) =>
      auditRow ? [{ seq: auditRow.seq, entry_hash: auditRow.entryHash }] : [],
    ),
    dryRun: false,
  })
}

const START: PurgePosition = { afterSeq: 0, afterPseudonym: '' }

type Purged = Counts & { readonly rows: PurgeJson['rows']; readonly dryRun: boolean }

function purgeJson(
  domainId: string,
  state: Omit<RetentionState, keyof Counts>,
  { mappings, contexts, rows, dryRun }: Purged,
): PurgeJson {
  return {
    domain_id: domainId,
    dry_run: dryRun,
    personal_data_before: wireTime(state.cutoff),
    mappings,
    contexts,
    held: heldOf(state),
    chain_holds: state.chainHolds,
    rows,
  }
}

function figuresOf({ mappings, contexts, cutoff }: PurgedBatch): string[] {
  const before = typeof cutoff === 'bigint' ? formatTimestamp(cutoff) : cutoff
  return [`mappings:${mappings}`, `contexts:${contexts}`, `before:${before}`]
}

function sum<T>(items: readonly T[], of: (item: T) => number): number {
  return items.reduce((total, item) => total + of(item), 0)
}
