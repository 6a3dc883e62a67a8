import * as Flags from '@oclif/core/flags'
import { AuditError } from '../../base/errors.js'
import { parseSeq } from '../../query/list-query.js'

const segment = (group: { readonly helpGroup?: string }) => ({
  'from-seq': Flags.string({ ...group, helpValue: 'N', summary: 'first row; default: 1' }),
  'to-seq': Flags.string({ ...group, helpValue: 'N', summary: 'last row; default: the last' }),
})

/** The flags that choose the rows of a chain by their seq. Read with {@link parseSegment}. */
export const segmentFlags = segment({})

/** The same flags in the help of a command that has filters. */
export const segmentFilterFlags = segment({ helpGroup: 'FILTER' })

/** The flags of {@link segmentFlags} as oclif's parser returns them. */
export interface GivenSegment {
  readonly 'from-seq'?: string | undefined
  readonly 'to-seq'?: string | undefined
}

export interface Segment {
  readonly fromSeq?: number | undefined
  readonly toSeq?: number | undefined
}

/** Returns the bounds of the segment. Throws `usage` for a segment of all chains, and `invalid_range`. */
export function parseSegment(chain: string | 'all', flags: GivenSegment): Segment {
  const [from, to] = [flags['from-seq'], flags['to-seq']]
  const fromSeq = from === undefined ? undefined : parseSeq(from)
  const toSeq = to === undefined ? undefined : parseSeq(to)
  if (chain === 'all' && (fromSeq ?? toSeq) !== undefined)
    throw new AuditError('usage', '--from-seq and --to-seq are for one chain, not for --all')
  if (toSeq !== undefined && toSeq < (fromSeq ?? 1))
    throw new AuditError('invalid_range', `--to-seq ${toSeq} is before --from-seq ${fromSeq}`)
  return { fromSeq, toSeq }
}
