import type { Advice } from '../../base/advice.js'
import { AuditError } from '../../base/errors.js'
import type { Context } from '../../compose/context.js'
import { mirrorLocations } from '../../compose/location.js'
import { mirrorCodec } from '../../compose/mirror.js'
import { chosenMirror } from '../../compose/verify.js'

/**
 * Returns the error of a chain that the mirror does not have, with the right folder where the URL is too deep or too high, and
 * with the line of the map where that names the mirror.
 */
export async function withFolder(
  error: unknown,
  context: Context,
  domainId: string,
  signal: AbortSignal,
): Promise<unknown> {
  if (!(error instanceof AuditError) || error.code !== 'domain_not_found') return error
  const { mirrorNear } = await import('../../verify/mirror/find-mirror.js')
  const url = await mirrorNear(await chosenMirror(context, domainId), await mirrorCodec(), signal)
  const isMapped = (await mirrorLocations(context)).mapped(domainId) !== undefined
  if (url === undefined && !isMapped) return error
  const advice: Advice =
    url === undefined
      ? { code: 'check_mirror_line', domainId }
      : { code: 'give_mirror_folder', url, domainId: isMapped ? domainId : undefined }
  return new AuditError(error.code, error.message, { advice })
}
