import { AuditError } from '../base/errors.js'

/** The bytes that docs/evidence.md pins. A reader refuses whatever is outside these bounds before it makes room for it. */
export const BUNDLE_FORMAT = 'audit-bundle/1'

const FOLDER = 'audit-bundle/'

export const MANIFEST_NAME = `${FOLDER}manifest.json`

/** Members beside the manifest and the rows, in their order. */
export const FILE_NAMES = ['README.txt', 'verify-bundle.mjs', 'verify_bundle.py'].map(
  (name) => `${FOLDER}${name}`,
)

/** Name of the segment with this number, from 1 on. */
export function segmentName(number: number): string {
  return `${FOLDER}rows/${String(number).padStart(8, '0')}.ndjson.gz`
}

export const BUNDLE_LIMITS = {
  /** Any member: the manifest of 60,000 segments is the largest. */
  fileBytes: 16 * 1024 * 1024,
  /** A segment before it is compressed; the longest honest line has 60 KB. */
  segmentBytes: 2 * 1024 * 1024,
  /** A segment as it is stored. Deflate adds five bytes for every 16 KB that it cannot compress. */
  memberBytes: 2 * 1024 * 1024 + 64 * 1024,
  /** Bytes that one compressed byte may stand for. Honest rows have about five, and Huffman codes alone at most eight. */
  ratio: 64,
  /** No honest row has more than 43,486. */
  canonicalBytes: 64 * 1024,
  /** Findings that a manifest lists. */
  findings: 1_000,
} as const

/** A file that is no bundle, or one that cannot be read on: what it holds could not be checked. */
export function damaged(problem: string): AuditError {
  return new AuditError('bundle_malformed', `not a whole evidence bundle: ${problem}`, {
    advice: { code: 'fetch_bundle_again' },
  })
}
