import { Readable } from 'node:stream'
import { AuditError } from '../../base/errors.js'
import { readBody } from './s3-body.js'

/** Bytes of any answer but an object, at most. A page of a thousand keys of 1,024 bytes has 4 MB where each byte is escaped. */
const MAX_ANSWER_BYTES = 16 * 1024 * 1024

/** The root element of each answer that has content. The SDK accepts every other document as an answer without content. */
const ROOTS: ReadonlyMap<string, string> = new Map([
  ['ListObjectsV2Command', 'ListBucketResult'],
  ['ListObjectVersionsCommand', 'ListVersionsResult'],
  ['CopyObjectCommand', 'CopyObjectResult'],
])

const PROLOGUE = /^(?:\s|<\?[^>]*\?>|<!--[\s\S]*?-->|<!DOCTYPE[^>]*>)*/i

/**
 * Reads an answer before the SDK parses it, and throws `mirror_unavailable` unless it keeps the limit of bytes, comes at a
 * minimal rate and has the root element of an answer to this request: a proxy, a console or a login page also answers with
 * 200. An object is not read here.
 */
export async function guardAnswer(
  url: string,
  stall: number,
  command: string | undefined,
  response: unknown,
): Promise<void> {
  if (!isResponse(response) || !(response.body instanceof Readable)) return
  const isGood = response.statusCode >= 200 && response.statusCode < 300
  if (isGood && command === 'GetObjectCommand') return
  const bytes = await readBody(url, response.body, MAX_ANSWER_BYTES, stall)
  if (bytes.length > MAX_ANSWER_BYTES) throw unreadable(url, 'is larger than 16 MiB')
  response.body = bytes
  const root = isGood ? ROOTS.get(command ?? '') : undefined
  if (root === undefined) return
  if (rootOf(bytes) !== root) throw unreadable(url, `is ${described(bytes)}; expected <${root}>`)
  if (root !== 'CopyObjectResult' && !saysWhetherComplete(bytes))
    throw unreadable(url, 'does not say whether it is complete (IsTruncated)')
}

/** The SDK takes any other text, such as half a word, for `false`. */
function saysWhetherComplete(bytes: Buffer): boolean {
  const found = bytes.toString('latin1').match(/<IsTruncated>[^<]*<\/IsTruncated>|<IsTruncated\/>/g) ?? []
  return found.length === 1 && /^<IsTruncated>\s*(true|false)\s*</.test(found[0] ?? '')
}

interface Response {
  readonly statusCode: number
  body: unknown
}

function isResponse(value: unknown): value is Response {
  return typeof value === 'object' && value !== null && 'statusCode' in value && 'body' in value
}

function unreadable(url: string, problem: string): AuditError {
  return new AuditError('mirror_unavailable', `mirror ${url}: the server's answer ${problem}`)
}

/** Returns the name of the root element of an XML document, or undefined. */
function rootOf(bytes: Buffer): string | undefined {
  const start = bytes.toString('utf8', 0, 4096).replace(PROLOGUE, '')
  return /^<([A-Za-z][\w.:-]{0,63})[\s/>]/.exec(start)?.[1]
}

/** Returns what came in place of an answer. A server's text is untrusted, so only names of elements are quoted. */
function described(bytes: Buffer): string {
  const text = bytes.toString('utf8', 0, 4096).trim()
  if (text === '') return 'empty'
  const root = rootOf(bytes)
  if (root?.toLowerCase() === 'html') return 'an HTML page'
  const [, code] = /<Code>([A-Za-z0-9]{1,64})<\/Code>/.exec(text) ?? []
  if (root === 'Error') return code === undefined ? 'an error document' : `the error ${code}`
  if (root !== undefined) return `a document <${root}>`
  return /^[[{]/.test(text) ? 'JSON' : 'no XML'
}
