import { fileURLToPath } from 'node:url'
import { AuditError } from '../base/errors.js'

/** Where a mirror is. */
export type MirrorPlace =
  | { readonly kind: 'directory'; readonly path: string }
  /** The prefix is empty, or has a slash at neither end. */
  | { readonly kind: 's3'; readonly bucket: string; readonly prefix: string }

const BUCKET = /^[A-Za-z0-9][A-Za-z0-9._-]{1,61}[A-Za-z0-9]$/
const PREFIX = /^[A-Za-z0-9!_.*'()=+,-]+(\/[A-Za-z0-9!_.*'()=+,-]+)*$/

/**
 * The place that `file:///dir` or `s3://bucket[/prefix]` names. Throws `usage` for anything else; the message shows
 * nothing of it, for somebody may have put credentials there.
 */
export function parseMirrorUrl(text: string): MirrorPlace {
  const [, scheme, rest = ''] = /^([A-Za-z0-9]+):\/\/(.*)$/s.exec(text) ?? []
  if (scheme === 's3') return bucketOf(rest)
  // new URL reads file:dir and file://dir as well, and finds quite another path in them.
  if (scheme === 'file' && rest.startsWith('/')) return directoryOf(text)
  throw usage('expected file:///dir or s3://bucket[/prefix]')
}

function bucketOf(rest: string): MirrorPlace {
  if (/[@?#]/.test(rest)) throw usage('expected s3://bucket[/prefix] alone, credentials by the AWS variables')
  const slash = rest.indexOf('/')
  const bucket = slash < 0 ? rest : rest.slice(0, slash)
  const prefix = slash < 0 ? '' : rest.slice(slash + 1).replace(/(?<=.)\/$/, '')
  if (!BUCKET.test(bucket)) throw usage('expected a bucket name of 3 to 63 letters, digits, . _ and -')
  const isPlain = prefix === '' || (PREFIX.test(prefix) && !/(^|\/)\.{1,2}(\/|$)/.test(prefix))
  if (!isPlain) throw usage("expected a prefix of letters, digits, / and ! _ . * ' ( ) = + , -")
  return { kind: 's3', bucket, prefix }
}

function directoryOf(text: string): MirrorPlace {
  if (/[?#]/.test(text)) throw usage('expected file:///dir without ? or #, written %3F and %23 in a path')
  const path = decoded(text)
  if (path.includes('\0')) throw usage('expected file:///dir of a directory')
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
