import { AuditError } from '../../base/errors.js'
import type { ChainHead } from '../../chain/entry.js'
import { isHash } from '../../chain/hash.js'
import { parseSeq } from '../../query/list-query.js'

/** Parses `SEQ:HASH`, a head seen before. Throws `usage` for anything else. */
export function parsePin(text: string): ChainHead {
  const [seq = '', hash = '', ...rest] = text.toLowerCase().split(':')
  if (!/^[1-9]\d{0,15}$/.test(seq) || !isHash(hash) || rest.length > 0) {
    throw new AuditError('usage', '--expect-head: expected SEQ:HASH, a row number and 64 hex digits')
  }
  return { seq: parseSeq(seq), hash }
}

/** Returns milliseconds. Throws `usage` for a mirror, which cannot show what is not in it. */
export function parseMaxUnarchived(flags: {
  readonly source?: string | undefined
  readonly 'max-unarchived'?: number | undefined
}): number | undefined {
  const most = flags['max-unarchived']
  if (most !== undefined && flags.source === 'mirror')
    throw new AuditError('usage', '--max-unarchived needs PostgreSQL: --source postgres or both')
  return most
}

interface SegmentFlags {
  readonly 'from-seq'?: string | undefined
  readonly 'to-seq'?: string | undefined
  readonly 'expect-head'?: string | undefined
  readonly 'expect-heads'?: string | undefined
}

/** Returns the bounds of the segment. Throws `usage` for flags that exclude each other, and `invalid_range`. */
export function parseSegment(
  chain: string | 'all',
  flags: SegmentFlags,
): { fromSeq?: number | undefined; toSeq?: number | undefined } {
  const [from, to] = [flags['from-seq'], flags['to-seq']]
  const fromSeq = from === undefined ? undefined : parseSeq(from)
  const toSeq = to === undefined ? undefined : parseSeq(to)
  if (chain === 'all' && (fromSeq ?? toSeq ?? flags['expect-head']) !== undefined) {
    throw new AuditError('usage', '--from-seq, --to-seq and --expect-head are for one chain, not for --all')
  }
  if (flags['expect-head'] !== undefined && flags['expect-heads'] !== undefined) {
    throw new AuditError('usage', '--expect-head and --expect-heads exclude each other')
  }
  if (toSeq !== undefined && toSeq < (fromSeq ?? 1)) {
    throw new AuditError('invalid_range', `--to-seq ${toSeq} is before --from-seq ${fromSeq}`)
  }
  return { fromSeq, toSeq }
}
