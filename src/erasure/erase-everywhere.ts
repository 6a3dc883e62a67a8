import { AuditError } from '../base/errors.js'
import type { ErasurePreview } from './erase-identity.js'

/** One chain of several. */
export type ChainOutcome<T> =
  | { readonly domainId: string; readonly done: T }
  | { readonly domainId: string; readonly failed: unknown }

/**
 * Does `work` on every chain that has anything of the person; chains that have nothing are passed over. Each chain stands
 * for itself: one that cannot be done, or is on hold, does not keep the others. Rejects with `subject_not_found` where no
 * chain has anything and none failed.
 */
export async function* onEveryChain<T>(
  domainIds: readonly string[],
  preview: (domainId: string) => Promise<ErasurePreview>,
  work: (preview: ErasurePreview) => Promise<T>,
  signal: AbortSignal,
): AsyncGenerator<ChainOutcome<T>> {
  let met = 0
  for (const domainId of domainIds) {
    signal.throwIfAborted()
    try {
      const found = await preview(domainId)
      if (found.mappings + found.contexts + found.rows === 0) continue
      met += 1
      yield { domainId, done: await work(found) }
    } catch (error) {
      met += 1
      yield { domainId, failed: error }
    }
  }
  if (met > 0) return
  throw new AuditError('subject_not_found', 'no chain has anything of this subject; nothing was written', {
    advice: { code: 'check_subject' },
  })
}
