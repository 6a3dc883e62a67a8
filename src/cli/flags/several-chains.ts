import * as Flags from '@oclif/core/flags'
import { AuditError } from '../../base/errors.js'
import { chainFlags, isTyped, type ParsedChain, parseChain } from './chain.js'

/** The chain flags of commands that read several chains at once. Read with {@link parseSeveralChains}. */
export const severalChainsFlags = {
  domain: Flags.string({
    helpGroup: 'CHAIN',
    helpValue: 'UUID',
    env: 'AUDIT_DOMAIN',
    summary: 'the chain of this Domain; repeat it for several chains',
    multiple: true,
    multipleNonGreedy: true,
  }),
  platform: chainFlags.platform,
  'all-chains': Flags.boolean({
    helpGroup: 'CHAIN',
    summary: 'every chain, the platform chain included',
  }),
}

/** The flags of {@link severalChainsFlags} as oclif's parser returns them. */
export interface ParsedChains {
  readonly flags: {
    /** oclif gives the value of AUDIT_DOMAIN as a text. */
    readonly domain?: string | readonly string[] | undefined
    readonly platform?: boolean
    readonly 'all-chains'?: boolean
  }
  readonly raw: ParsedChain['raw']
}

/**
 * Returns the domain_ids of the chosen chains, each once and in the order of the flags, or `all`. Throws `usage` where none is
 * chosen, or two ways to choose are mixed.
 */
export function parseSeveralChains({ flags, raw }: ParsedChains): readonly string[] | 'all' {
  const { platform = false, 'all-chains': all = false } = flags
  const domains = [flags.domain ?? []].flat()
  const given = [
    isTyped(raw, 'domain') && '--domain',
    platform && '--platform',
    all && '--all-chains',
  ].filter((choice) => typeof choice === 'string')
  if (given.length > 1) throw new AuditError('usage', `${given.join(' and ')} exclude each other`)
  // A typed flag wins over AUDIT_DOMAIN, which a shell may have exported long ago.
  if (all) return 'all'
  if (platform || domains.length === 0) {
    return [
      parseChain(
        { flags: { platform }, raw: [] },
        '--domain UUID (AUDIT_DOMAIN), --platform or --all-chains',
      ),
    ]
  }
  return [...new Set(domains.map((text) => parseChain({ flags: { domain: text }, raw: [] })))]
}
