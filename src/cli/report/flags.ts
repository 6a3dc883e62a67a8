import * as Flags from '@oclif/core/flags'
import { AuditError } from '../../base/errors.js'
import type { RowFilter } from '../../base/row-filter.js'
import { wireTime } from '../../base/wire-time.js'
import type { CopyName, SourceName } from '../../ports/verify.js'
import { type ParsedChain, parseChains } from '../flags/chain.js'
import type { ChainNames } from '../flags/chain-names.js'
import { type GivenPins, parsePinFlags } from '../flags/pins.js'
import { type GivenSegment, parseSegment } from '../flags/segment.js'
import type { VerifyOptions } from '../verify/options.js'

/** The flags that are named in the page as the filter, in this order. `--subject-id` is a person and is not repeated. */
const SHOWN = [
  'subject',
  'relation',
  'object',
  'object-type',
  'object-id',
  'reason',
  'denied',
  'correlation-id',
] as const

const ALL_ROWS = 'a report counts every row of its range; choose the range with --from-seq and --to-seq'
const HASHED_ONLY =
  'a report shows what the hashes cover, which the time of the event is not; list the rows with: audit list --event-from TIME'

/** Flags of `list` that a report cannot have, and why. */
const REFUSED = {
  last: ALL_ROWS,
  around: ALL_ROWS,
  limit: ALL_ROWS,
  'event-from': HASHED_ONLY,
  'event-to': HASHED_ONLY,
} as const

const refused = () => Flags.string({ hidden: true })

/** The flags of {@link REFUSED}, so that a user of `list` reads why a report has none of them. */
export const refusedFlags = {
  last: refused(),
  around: refused(),
  limit: refused(),
  'event-from': refused(),
  'event-to': refused(),
}

/** Throws `usage` for a flag of `list` that a report cannot have. */
export function assertNotRefused(flags: GivenFlags): void {
  for (const [name, why] of Object.entries(REFUSED))
    if (flags[name] !== undefined) throw new AuditError('usage', `--${name}: ${why}`)
}

type GivenFlags = Readonly<Record<string, unknown>>

interface CheckFlags extends ParsedChain {
  readonly flags: ParsedChain['flags'] &
    GivenSegment &
    GivenPins & { readonly remember?: string | undefined; readonly json: boolean }
}

/** Returns how to verify the chosen chains. Throws `usage`, and `invalid_range`. */
export function parseCheck(parsed: CheckFlags, source: CopyName, names: ChainNames): VerifyOptions {
  const { flags } = parsed
  const chain = parseChains(parsed)
  return {
    chain,
    source,
    ...parseSegment(chain, flags),
    ...parsePinFlags(chain, flags),
    remember: flags.remember,
    quarantine: false,
    json: flags.json,
    names,
  }
}

/** Returns the flags of the filter with their values, for the page. A time is the instant that was understood. */
export function filterWords(
  flags: GivenFlags,
  { from, to }: Pick<RowFilter, 'from' | 'to'>,
): [string, string][] {
  const since = flags.since === undefined ? '' : ` (--since ${String(flags.since)})`
  return [
    ...fieldWords(flags),
    ...(from === undefined ? [] : [['--from', `${wireTime(from)}${since}`] satisfies [string, string]]),
    ...(to === undefined ? [] : [['--to', wireTime(to)] satisfies [string, string]]),
  ]
}

function fieldWords(flags: GivenFlags): [string, string][] {
  return SHOWN.flatMap((name) => {
    const value = flags[name]
    if (value === undefined || value === false) return []
    return [[`--${name}`, value === true ? '' : Array.isArray(value) ? value.join(', ') : String(value)]]
  })
}

/** Throws `usage` where the chosen copy does not hold what the report is to show. */
export function assertHolds(source: SourceName, flags: GivenFlags, chain: string | undefined): void {
  const hasDatabase = source === 'postgres' || source === 'both'
  if (flags.context === true && !hasDatabase) {
    throw new AuditError(
      'usage',
      `--context needs PostgreSQL: a ${source} holds no addresses, user agents or metadata`,
    )
  }
  if (flags['subject-id'] !== undefined && chain === 'all') {
    throw new AuditError(
      'usage',
      '--subject-id needs one chain, because each chain has pseudonyms of its own; give --subject HEX',
    )
  }
}

/** Throws `usage` for standard output: a page is written whole or not at all. */
export function parseOutput(path: string): string {
  if (path !== '-') return path
  throw new AuditError('usage', '--output: expected a file; a page is written whole or not at all')
}
