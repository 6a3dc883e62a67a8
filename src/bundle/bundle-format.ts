import { AuditError } from '../base/errors.js'

/** The format that docs/evidence.md describes. A reader refuses data beyond these limits before it allocates memory. */
export const BUNDLE_FORMAT = 'audit-bundle/1'

/** The format of a bundle that also holds a report. Earlier verifiers do not know it, and say that they cannot check it. */
export const REPORT_FORMAT = 'audit-bundle/2'

const FOLDER = 'audit-bundle/'

export const MANIFEST_NAME = `${FOLDER}manifest.json`

/** The members other than the manifest and the rows, in order. */
export const FILE_NAMES = ['README.txt', 'verify-bundle.mjs', 'verify_bundle.py'].map(
  (name) => `${FOLDER}${name}`,
)

/** The page about the rows, after {@link FILE_NAMES} in a bundle that has one. It is for people, and is not evidence. */
export const REPORT_NAME = `${FOLDER}report.html`

/** Returns the name of the segment with this number; the first is 1. */
export function segmentName(number: number): string {
  return `${FOLDER}rows/${String(number).padStart(8, '0')}.ndjson.gz`
}

export const BUNDLE_LIMITS = {
  /** Bytes of any member. The largest is the manifest of 60,000 segments. */
  fileBytes: 16 * 1024 * 1024,
  /** Bytes of a segment before compression. The longest line of an intact row has 60 KB. */
  segmentBytes: 2 * 1024 * 1024,
  /** Bytes of a stored segment. Deflate adds five bytes for every 16 KB that it cannot compress. */
  memberBytes: 2 * 1024 * 1024 + 64 * 1024,
  /** Bytes that one compressed byte may decompress to. Real rows reach about five, and Huffman codes alone at most eight. */
  ratio: 64,
  /** Canonical bytes of a row. No intact row has more than 43,486. */
  canonicalBytes: 64 * 1024,
  /** Findings that a manifest lists. */
  findings: 1_000,
} as const

/** The error of a file that is no bundle or cannot be read to its end, so that its content could not be checked. */
export function damaged(problem: string): AuditError {
  return new AuditError('bundle_malformed', `not a whole evidence bundle: ${problem}`, {
    advice: { code: 'fetch_bundle_again' },
  })
}
