import { AuditError } from '../base/errors.js'
import { type Settled, settleEach } from '../base/settle-each.js'
import type { ErasurePreview } from './erase-identity.js'

/**
 * Runs `work` on every chain that holds anything about the person, and skips the other chains. A chain that fails, for example
 * because of a hold, does not stop the others. Rejects with `subject_not_found` when no chain holds anything and none failed.
 */
export async function* eraseEverywhere<T extends object>(
  domainIds: readonly string[],
  preview: (domainId: string) => Promise<ErasurePreview>,
  work: (preview: ErasurePreview) => Promise<T>,
  signal: AbortSignal,
): AsyncGenerator<Settled<string, T>> {
  const workOn = async (domainId: string) => {
    const found = await preview(domainId)
    return found.mappings + found.contexts + found.rows === 0 ? undefined : work(found)
  }
  let tried = 0
  for await (const settled of settleEach(domainIds, workOn, signal)) {
    const { item } = settled
    if ('failed' in settled) yield settled
    else if (settled.done !== undefined) yield { item, done: settled.done }
    else continue
    tried += 1
  }
  if (tried > 0) return
  throw new AuditError(
    'subject_not_found',
    'no chain holds anything about this subject; nothing was written',
    {
      advice: { code: 'check_subject' },
    },
  )
}
