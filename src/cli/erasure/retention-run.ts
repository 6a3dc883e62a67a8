import { AuditError } from '../../base/errors.js'
import type { Context } from '../../compose/context.js'
import { retentionOf, retentionStoreOf } from '../../compose/erasure.js'
import { applyRetention, type PurgeJson, previewPurge } from '../../erasure/purge.js'
import { showRetention } from '../../erasure/retention.js'
import type { Output } from '../output/output.js'
import { note } from '../output/streams.js'
import { type Chains, eachChain } from '../shell/each-chain.js'
import { PURGE_HEAD, purgeRow, RETENTION_HEAD, retentionRow } from './retention-text.js'

export async function runRetentionShow(
  options: Chains,
  context: Context,
  out: Output,
  signal: AbortSignal,
): Promise<void> {
  const store = await retentionStoreOf(context)
  await eachChain(options, context, out, signal, {
    label: 'retention',
    head: RETENTION_HEAD,
    work: (domainId) => showRetention(store, domainId),
    toRow: retentionRow,
    toJson: (retention) => retention,
    after: ({ domain_id, rows_older_than_floor: rows, chain_years: years }) => {
      if (rows > 0) note(`note: ${rows} rows of chain ${domain_id} are older than ${years} years; they stay`)
    },
  })
}

export interface ApplyOptions extends Chains {
  readonly dryRun: boolean
  /** Contexts and mappings a transaction. */
  readonly batch?: number | undefined
}

/** Of all chains, one that is on hold as a whole is passed over and told; of one chain that is `legal_hold`. */
export async function runRetentionApply(
  options: ApplyOptions,
  context: Context,
  out: Output,
  signal: AbortSignal,
): Promise<void> {
  const store = await retentionStoreOf(context)
  // A dry run needs no pepper: it writes nothing.
  const ports = options.dryRun ? undefined : await retentionOf(context)
  await eachChain(options, context, out, signal, {
    label: 'retention',
    head: PURGE_HEAD,
    work: async (domainId): Promise<PurgeJson> => {
      if (ports === undefined) return previewPurge(store, domainId)
      if (options.chain === 'all') {
        const preview = await previewPurge(store, domainId)
        if (preview.chain_holds.length > 0) return { ...preview, dry_run: false }
      }
      return applyRetention(ports, { domainId, actor: context.actor }, signal, options.batch)
    },
    toRow: purgeRow,
    toJson: (purge) => purge,
    after: ({ domain_id, chain_holds: holds }) => {
      if (holds.length > 0) note(`note: chain ${domain_id} is on legal hold (${holds.join(', ')})`)
    },
  })
}

/** A whole number. Throws `usage`. */
export function wholeNumber(flag: string, text: string | undefined): number | undefined {
  if (text === undefined) return undefined
  if (/^\d{1,6}$/.test(text)) return Number(text)
  throw new AuditError('usage', `${flag}: expected a whole number`)
}

const MAX_BATCH = 100_000

/** Throws `usage`. */
export function batchOf(text: string | undefined): number | undefined {
  const batch = wholeNumber('--batch', text)
  if (batch === undefined || (batch >= 1 && batch <= MAX_BATCH)) return batch
  throw new AuditError('usage', `--batch: expected a number from 1 to ${MAX_BATCH}`)
}
