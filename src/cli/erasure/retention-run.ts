import type { Context } from '../../compose/context.js'
import { openRetentionPorts, openRetentionStore } from '../../compose/erasure.js'
import { applyRetention, type Purge, previewPurge } from '../../erasure/purge.js'
import { showRetention } from '../../erasure/retention.js'
import type { Output } from '../output/output.js'
import { note } from '../output/streams.js'
import { type Chains, eachChain } from '../shell/each-chain.js'
import { PURGE_LIST, RETENTION_LIST } from './retention-text.js'

export async function runRetentionShow(
  options: Chains,
  context: Context,
  out: Output,
  signal: AbortSignal,
): Promise<void> {
  const store = await openRetentionStore(context)
  await eachChain(options, context, out, signal, {
    label: 'retention',
    kind: 'writing',
    ...RETENTION_LIST,
    work: (domainId) => showRetention(store, domainId),
    after: ({ domainId, rowsBeyondFloor: rows, policy: { chainYears: years } }) => {
      if (rows > 0) note(`note: ${rows} rows of chain ${domainId} are older than ${years} years; they stay`)
    },
  })
}

export interface ApplyOptions extends Chains {
  readonly dryRun: boolean
  /** Contexts and mappings that one transaction deletes. */
  readonly batch?: number | undefined
}

/** Purges the chosen chains. With all chains, skips and reports a chain under a hold; with one, rejects with `legal_hold`. */
export async function runRetentionApply(
  options: ApplyOptions,
  context: Context,
  out: Output,
  signal: AbortSignal,
): Promise<void> {
  const store = await openRetentionStore(context)
  // A dry run needs no pepper: it writes nothing.
  const ports = options.dryRun ? undefined : await openRetentionPorts(context)
  await eachChain(options, context, out, signal, {
    label: 'retention',
    kind: 'writing',
    ...PURGE_LIST,
    work: async (domainId): Promise<Purge> => {
      if (ports === undefined) return previewPurge(store, domainId)
      if (options.chain === 'all') {
        const preview = await previewPurge(store, domainId)
        if (preview.chainHolds.length > 0) return { ...preview, dryRun: false }
      }
      return applyRetention(ports, { domainId, actor: context.actor }, signal, options.batch)
    },
    after: ({ domainId, chainHolds: holds }) => {
      if (holds.length > 0) note(`note: chain ${domainId} is on legal hold (${holds.join(', ')})`)
    },
  })
}
