import * as Flags from '@oclif/core/flags'
import { AuditError } from '../../base/errors.js'
import { FormatError } from '../../chain/format-error.js'
import { PLATFORM_ANCHOR, parseDomainId } from '../../chain/uuid.js'

const helpGroup = 'CHAIN'

/** The flags of the commands that work on one chain. Read with {@link parseChain}. */
export const chainFlags = {
  domain: Flags.string({
    helpGroup,
    helpValue: 'UUID',
    env: 'AUDIT_DOMAIN',
    summary: 'the chain of this Domain; commands with --names also take its name, or 8 digits of its id',
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

/** Returns the domain_id of the chosen chain. Throws `usage` if neither or both flags are given; `choices` are for its message. */
export function parseChain(
  parsed: ParsedChain,
  choices = '--domain UUID (AUDIT_DOMAIN) or --platform',
): string {
  const chosen = parseOptionalChain(parsed)
  if (chosen === undefined) throw unchosen(choices)
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
  const choices = [isTyped(raw, 'domain') && '--domain', flags.platform && '--platform', flags.all && '--all']
  const given = choices.filter((choice) => typeof choice === 'string')
  if (given.length > 1) throw new AuditError('usage', `${given.join(' and ')} exclude each other`)
  if (flags.all === true) return 'all'
  // A typed flag wins over AUDIT_DOMAIN, which a shell may have exported long ago.
  if (flags.platform === true) return PLATFORM_ANCHOR
  return flags.domain === undefined ? undefined : domainIdOf(flags.domain)
}

/** Returns whether a flag was typed: oclif also gives a flag the value of its variable. */
export function isTyped(raw: ParsedChain['raw'], flag: string): boolean {
  return raw.some((token) => token.type === 'flag' && token.flag === flag)
}

/** Returns the chain that was typed. Ignores AUDIT_DOMAIN, which a shell may have exported for other commands. */
export function parseTypedChain({ flags, raw }: ParsedChain): string | undefined {
  const domain = isTyped(raw, 'domain') ? flags.domain : undefined
  return parseOptionalChain({ flags: { ...flags, domain }, raw })
}

/** Throws `invalid_domain_id`, also for the name of a Domain. */
function domainIdOf(text: string): string {
  try {
    return parseDomainId(text)
  } catch (cause) {
    if (!(cause instanceof FormatError)) throw cause
    throw new AuditError('invalid_domain_id', `--domain: ${cause.problem}`, {
      advice: { code: 'list_domains' },
      cause,
    })
  }
}

function unchosen(expected: string): AuditError {
  return new AuditError('usage', `no chain chosen: expected exactly one of ${expected}`)
}
