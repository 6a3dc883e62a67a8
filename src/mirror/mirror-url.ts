import { fileURLToPath } from 'node:url'
import { AuditError } from '../base/errors.js'

/** Where a mirror is. */
export type MirrorLocation =
  | { readonly kind: 'directory'; readonly path: string }
  /** The prefix is empty, or neither begins nor ends with a slash. */
  | { readonly kind: 's3'; readonly bucket: string; readonly prefix: string }

const BUCKET = /^[A-Za-z0-9][A-Za-z0-9._-]{1,61}[A-Za-z0-9]$/
const PREFIX = /^[A-Za-z0-9!_.*'()=+,-]+(\/[A-Za-z0-9!_.*'()=+,-]+)*$/

/**
 * Parses `file:///dir` or `s3://bucket[/prefix]`. Throws `usage` for anything else. The message shows no part of the text,
 * which may hold credentials.
 */
export function parseMirrorUrl(text: string): MirrorLocation {
  const [, scheme, rest = ''] = /^([A-Za-z0-9]+):\/\/(.*)$/s.exec(text) ?? []
  if (scheme === 's3') return bucketOf(rest)
  // new URL also accepts file:dir and file://dir, and reads another path from them.
  if (scheme === 'file' && rest.startsWith('/')) return directoryOf(text)
  throw usage('expected file:///dir or s3://bucket[/prefix]')
}

/** Returns the URL of a prefix of a bucket; undefined where {@link parseMirrorUrl} would not take it. */
export function mirrorUrlOf(bucket: string, prefix: string): string | undefined {
  return BUCKET.test(bucket) && isPlain(prefix) ? `s3://${bucket}${prefix && '/'}${prefix}` : undefined
}

function isPlain(prefix: string): boolean {
  return prefix === '' || (PREFIX.test(prefix) && !/(^|\/)\.{1,2}(\/|$)/.test(prefix))
}

function bucketOf(rest: string): MirrorLocation {
  if (/[@?#]/.test(rest))
    throw usage('expected s3://bucket[/prefix] only; give credentials in the AWS variables')
  const slash = rest.indexOf('/')
  const bucket = slash < 0 ? rest : rest.slice(0, slash)
  const prefix = slash < 0 ? '' : rest.slice(slash + 1).replace(/(?<=.)\/$/, '')
  if (!BUCKET.test(bucket)) throw usage('expected a bucket name of 3 to 63 letters, digits, . _ and -')
  if (!isPlain(prefix)) throw usage("expected a prefix of letters, digits, / and ! _ . * ' ( ) = + , -")
  return { kind: 's3', bucket, prefix }
}

function directoryOf(text: string): MirrorLocation {
  if (/[?#]/.test(text)) throw usage('expected file:///dir without ? or #; write %3F and %23 in a path')
  const path = decoded(text)
  if (path.includes('\0')) throw usage('expected file:///dir without a null character')
  return { kind: 'directory', path: path.length > 1 ? path.replace(/\/+$/, '') || '/' : path }
}

function decoded(text: string): string {
  try {
    return fileURLToPath(text)
  } catch {
    throw usage('expected file:///dir with well-formed percent escapes')
  }
}

function usage(problem: string): AuditError {
  return new AuditError('usage', `mirror URL: ${problem}`)
}
