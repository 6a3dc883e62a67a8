import * as Flags from '@oclif/core/flags'
import { AuditError } from '../../base/errors.js'
import { positiveInteger } from '../../base/positive-integer.js'
import type { SeqRange } from '../../ports/query.js'
import { MAX_LIMIT, parseSeq } from '../../query/list-query.js'
import { type GivenSegment, parseSegment, segmentFilterFlags } from '../flags/segment.js'

const DEFAULT_CONTEXT = 5
/** With this many rows on each side, the rows around a row are one page. */
const MAX_CONTEXT = Math.floor((MAX_LIMIT - 1) / 2)

/** The flags that select rows by their seq. Read with {@link parseRange}. */
export const rangeFlags = {
  ...segmentFilterFlags,
  around: Flags.string({
    helpGroup: 'FILTER',
    helpValue: 'SEQ',
    summary: 'the row with this seq and the rows around it',
    exclusive: ['from-seq', 'to-seq', 'limit', 'cursor', 'all'],
  }),
  'context-rows': Flags.string({
    helpGroup: 'FILTER',
    helpValue: 'N',
    summary: `with --around: the rows on each side, up to ${MAX_CONTEXT}; default: ${DEFAULT_CONTEXT}`,
    dependsOn: ['around'],
  }),
}

interface ParsedRange extends GivenSegment {
  readonly around?: string | undefined
  readonly 'context-rows'?: string | undefined
}

/** A range, and the rows of one page where the flags set them. */
export interface ChosenRange {
  readonly range: SeqRange
  readonly limit?: number | undefined
  /** The row in the middle. */
  readonly around?: number | undefined
}

/** Returns the range of rows that the flags choose. Throws `invalid_seq`, `invalid_range` or `usage`. */
export function parseRange(flags: ParsedRange): ChosenRange {
  if (flags.around === undefined) {
    const { fromSeq = 1, toSeq } = parseSegment('one chain', flags)
    return { range: { after: fromSeq - 1, upTo: toSeq } }
  }
  const [seq, rows] = [parseSeq(flags.around), parseContext(flags['context-rows'])]
  return { range: { after: Math.max(0, seq - rows - 1), upTo: seq + rows }, limit: 2 * rows + 1, around: seq }
}

function parseContext(text: string | undefined): number {
  if (text === undefined) return DEFAULT_CONTEXT
  const rows = text === '0' ? 0 : positiveInteger(text)
  if (rows !== undefined && rows <= MAX_CONTEXT) return rows
  throw new AuditError('usage', `--context-rows: expected 0 to ${MAX_CONTEXT}`)
}
