import type { Finding } from '../chain/finding.js'

/** An object below a chain's prefix whose key names no row of it. */
export function strayFinding({ key, seq }: { key: string; seq: number }): Finding {
  return {
    code: 'orphan_object',
    seqFrom: seq,
    seqTo: seq,
    detail: `${key} is the key of no row`,
  }
}
