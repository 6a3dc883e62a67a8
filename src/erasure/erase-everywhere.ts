import { AuditError } from '../base/errors.js'
import type { ErasurePreview } from './erase-identity.js'

/** The outcome on one of several chains. */
export type ChainOutcome<T> =
  | { readonly domainId: string; readonly done: T }
  | { readonly domainId: string; readonly failed: unknown }

/**
 * Runs `work` on every chain that holds anything about the person, and skips the other chains. A chain that fails, for example
 * because of a hold, does not stop the others. Rejects with `subject_not_found` when no chain holds anything and none failed.
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
