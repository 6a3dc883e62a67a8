import { PLATFORM_ANCHOR } from '../../chain/uuid.js'

/** Returns the flag that chooses a chain, for a command that the output names. */
export function chainWords(domainId: string): string {
  return domainId === PLATFORM_ANCHOR ? '--platform' : `--domain ${domainId}`
}
