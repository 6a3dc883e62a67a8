import { AuditError } from '../../base/errors.js'
import { type ParsedChain, parseTypedChain } from '../flags/chain.js'
import type { ChainNames } from '../flags/chain-names.js'
import { type GivenPins, parsePinFlags } from '../flags/pins.js'
import type { GivenSegment } from '../flags/segment.js'
import type { BundleOptions } from './verify-run.js'

interface BundleFlags extends ParsedChain {
  readonly flags: ParsedChain['flags'] &
    GivenSegment &
    GivenPins & {
      readonly remember?: string | undefined
      readonly require?: string | undefined
      readonly checkpoint?: string[] | undefined
      readonly 'allow-filtered'?: boolean | undefined
      readonly json: boolean
    }
}

/** Parses the flags of `verify FILE`. The file itself names its chain and its rows. Throws `usage`. */
export function parseBundle(parsed: BundleFlags, path: string, names: ChainNames): BundleOptions {
  const { flags } = parsed
  if (flags.all === true || (flags['from-seq'] ?? flags['to-seq']) !== undefined) {
    throw new AuditError('usage', '--all, --from-seq and --to-seq cannot be combined with --source bundle')
  }
  return {
    path,
    domainId: parseTypedChain(parsed),
    ...parsePinFlags('one chain', flags),
    remember: flags.remember,
    require: flags.require,
    checkpoints: flags.checkpoint,
    allowFiltered: flags['allow-filtered'] === true,
    json: flags.json,
    names,
  }
}

/** Throws `usage` where a flag of bundles was given for another source. */
export function assertNoBundle({ flags }: Pick<BundleFlags, 'flags'>): void {
  if (flags['allow-filtered'] !== true) return
  throw new AuditError('usage', '--allow-filtered is for a bundle: expected a FILE')
}
