import * as Flags from '@oclif/core/flags'
import { AuditError } from '../../base/errors.js'
import { PLATFORM_ANCHOR, parseDomainId } from '../../chain/uuid.js'

const helpGroup = 'CHAIN'

/** The flags of the commands that work on one chain. Read with {@link parseChain}. */
export const chainFlags = {
  domain: Flags.string({
    helpGroup,
    helpValue: 'UUID',
    env: 'AUDIT_DOMAIN',
    summary: 'the chain of this Domain',
  }),
  platform: Flags.boolean({ helpGroup, summary: 'the platform chain' }),
}

/** The chain flags of commands that can work on every chain. Read with {@link parseChains}. */
export const chainsFlags = {
  ...chainFlags,
  all: Flags.boolean({ helpGroup, summary: 'every chain' }),
}

/** The chain flags as oclif's parser returns them. */
export interface ParsedChain {
  readonly flags: {
    readonly domain?: string | undefined
    readonly platform?: boolean
    readonly all?: boolean
  }
  readonly raw: readonly { readonly type: string; readonly flag?: string }[]
}

/** Returns the domain_id of the chosen chain. Throws `usage` if neither or both flags are given. */
export function parseChain(parsed: ParsedChain): string {
  const chosen = parseOptionalChain(parsed)
  if (chosen === undefined) throw unchosen('--domain UUID (AUDIT_DOMAIN) or --platform')
  return chosen
}

/** Returns the chosen chain, or `all`. */
export function parseChains(parsed: ParsedChain): string | 'all' {
  const chosen = parseOptionalChain(parsed)
  if (chosen === undefined) throw unchosen('--domain UUID (AUDIT_DOMAIN), --platform or --all')
  return chosen
}

/** Returns the chosen chain, or undefined, for a command that does not need one (`append` from a stream). */
export function parseOptionalChain({ flags, raw }: ParsedChain): string | undefined {
  const typed = new Set(raw.filter((token) => token.type === 'flag').map((token) => token.flag))
  const choices = [typed.has('domain') && '--domain', flags.platform && '--platform', flags.all && '--all']
  const given = choices.filter((choice) => typeof choice === 'string')
  if (given.length > 1) throw new AuditError('usage', `${given.join(' and ')} exclude each other`)
  if (flags.all === true) return 'all'
  // A typed flag wins over AUDIT_DOMAIN, which a shell may have exported long ago.
  if (flags.platform === true) return PLATFORM_ANCHOR
  return flags.domain === undefined ? undefined : parseDomainId(flags.domain)
}

function unchosen(expected: string): AuditError {
  return new AuditError('usage', `no chain chosen: expected exactly one of ${expected}`)
}
