import type { Finding } from '../chain/finding.js'

/** Returns the finding for an object under a chain's prefix whose key names no row. */
export function strayFinding({ key, seq }: { key: string; seq: number }): Finding {
  return {
    code: 'orphan_object',
    seqFrom: seq,
    seqTo: seq,
    detail: `${key} is not the key of a row`,
  }
}
