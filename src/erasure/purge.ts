import { type SelfAuditActor, selfAuditItem } from '../append/self-audit-item.js'
import { sum } from '../base/sum.js'
import type { ReadTime } from '../base/wire-time.js'
import { SELF_AUDIT } from '../chain/self-audit.js'
import { formatTimestamp } from '../chain/timestamp.js'
import type { Placed } from '../ports/append.js'
import type {
  PurgedBatch,
  PurgePosition,
  PurgeStep,
  RetentionState,
  RetentionStore,
} from '../ports/retention.js'
import { type ChainActor, type Counts, chainAction, type RetentionPorts } from './retention.js'

/** Largest number of contexts, and of mappings, that one transaction deletes. The chain's appends wait for about 50 ms. */
const BATCH = 5_000

/** What a purge deleted or, in a dry run, would delete. */
export interface Purge extends Counts {
  readonly domainId: string
  readonly dryRun: boolean
  /** Reasons for which people were identified, deleted with the data of these people. */
  readonly reveals: number
  /** Personal data older than this was due. */
  readonly cutoff: ReadTime
  /** Personal data that was due and is kept by a legal hold on a person. */
  readonly held: Counts
  /** Ids of the legal holds on the whole chain. */
  readonly chainHolds: readonly number[]
  /** The self-audit rows, one for each transaction. */
  readonly auditRows: readonly Placed[]
}

/** Returns what a purge would delete. Changes nothing. Rejects with `domain_not_found`. */
export async function previewPurge(store: RetentionStore, domainId: string): Promise<Purge> {
  const { mappings, contexts, reveals, ...state } = await store.state(domainId)
  return purgeOf(domainId, state, { mappings, contexts, reveals, auditRows: [], dryRun: true })
}

/**
 * Deletes the personal data of a chain that is past its retention, in transactions of a bounded size, each with the row
 * that records it. An interrupted purge can be run again. Data under a hold on a person is skipped and counted. Rejects
 * with `legal_hold` when a hold covers the whole chain, with `domain_not_found`, and with the errors of an append.
 */
export async function applyRetention(
  { store, pepper }: RetentionPorts,
  { domainId, actor }: ChainActor,
  signal: AbortSignal,
  batch = BATCH,
): Promise<Purge> {
  const state = await store.state(domainId)
  const selfAuditActor: SelfAuditActor = { domainId, actor, pepper: await pepper.pepperOf(domainId) }
  const steps: PurgeStep[] = []
  for (let from: PurgePosition | undefined = startOf(state); from !== undefined; ) {
    signal.throwIfAborted()
    const step: PurgeStep = await store.purge(domainId, from, batch, (purged) =>
      selfAuditItem(selfAuditActor, [chainAction(SELF_AUDIT.retentionPurge, domainId, figuresOf(purged))]),
    )
    steps.push(step)
    from = step.next
  }
  return purgeOf(domainId, state, {
    mappings: sum(steps, (step) => step.mappings),
    contexts: sum(steps, (step) => step.contexts),
    reveals: sum(steps, (step) => step.reveals),
    auditRows: steps.flatMap(({ auditRow }) => (auditRow ? [auditRow] : [])),
    dryRun: false,
  })
}

const startOf = ({ lastDue }: RetentionState): PurgePosition => ({
  afterSeq: 0,
  upTo: lastDue,
  afterPseudonym: '',
})

function purgeOf(
  domainId: string,
  state: Omit<RetentionState, keyof Counts | 'reveals'>,
  purged: Pick<Purge, keyof Counts | 'reveals' | 'auditRows' | 'dryRun'>,
): Purge {
  const { cutoff, chainHolds, heldMappings, heldContexts } = state
  const held = { mappings: heldMappings, contexts: heldContexts }
  return { domainId, cutoff, held, chainHolds, ...purged }
}

function figuresOf({ mappings, contexts, reveals, cutoff }: PurgedBatch): string[] {
  const before = typeof cutoff === 'bigint' ? formatTimestamp(cutoff) : cutoff
  const ofReveals = reveals === 0 ? [] : [`reveals:${reveals}`]
  return [`mappings:${mappings}`, `contexts:${contexts}`, ...ofReveals, `before:${before}`]
}
