import type { Finding } from '../../chain/finding.js'

/** Returns the finding for an object whose key has the form of a row's key and names no row. */
export function orphanKeyFinding({ key, seq }: { key: string; seq: number }): Finding {
  return {
    code: 'orphan_object',
    seqFrom: seq,
    seqTo: seq,
    detail: `${key} is not the key of a row`,
    rows: key,
  }
}
