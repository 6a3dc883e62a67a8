import type { ChainSigned } from '../../signer/sign-chain.js'
import { chainText } from '../output/chain-text.js'
import { hideCredentials, safe } from '../output/safe-text.js'

/** Returns what a pass did about one chain, as JSON. */
export function signedJson({ domainId, size, rows, reason, message }: ChainSigned): Record<string, unknown> {
  return {
    domain_id: domainId,
    signed_through: size === 0 ? null : size,
    rows_signed: rows,
    ...(reason !== undefined && { not_signed_reason: reason }),
    ...(message !== undefined && { message: hideCredentials(message) }),
  }
}

/** Returns the line of a chain that was signed. */
export function signedText({ domainId, size, rows }: ChainSigned): string {
  return `${chainText(domainId)}  signed through row ${size}, ${rows} new`
}

/** Returns the lines of a chain that was not signed. */
export function refusedText(
  { domainId, reason, message = '' }: ChainSigned,
  next: string | undefined,
): string[] {
  const what = message.replace(`chain ${domainId}: `, '')
  const why = reason === undefined ? what : `${reason}: ${what}`
  return [
    safe`not signed  ${chainText(domainId)}  ${hideCredentials(why)}`,
    ...(next === undefined ? [] : [safe`  ${hideCredentials(next)}`]),
  ]
}
