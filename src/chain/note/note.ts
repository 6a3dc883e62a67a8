import { bytesToHex } from '@noble/hashes/utils.js'
import { textProblem } from '../limits.js'
import { decodeBase64 } from './base64.js'
import { isKeyName } from './vkey.js'

/** One signature line of a note. */
export interface SignatureLine {
  readonly name: string
  /** The key id, 8 hex digits. */
  readonly keyId: string
  /** What follows the key id: a signature, for a cosignature after a time of 8 bytes. */
  readonly signature: Uint8Array
}

/** A signed text (c2sp.org/signed-note). No signature was checked. */
export interface Note {
  /** The signed text, with its final newline. */
  readonly body: string
  readonly lines: readonly SignatureLine[]
}

export const NOTE_LIMITS = { bytes: 64 * 1024, lines: 64 } as const

const LINE = /^— ([^ ]+) ([A-Za-z0-9+/=]+)$/u
const KEY_ID_BYTES = 4

/** Reads a note. Undefined where the text is no note, or exceeds the limits. */
export function parseNote(text: string): Note | undefined {
  if (textProblem(text, 1, NOTE_LIMITS.bytes) !== undefined || hasControl(text)) return undefined
  const end = text.lastIndexOf('\n\n')
  const texts = text.slice(end + 2).split('\n')
  // The text ends in a newline, so the last one is empty.
  if (end < 1 || texts.pop() !== '' || texts.length === 0 || texts.length > NOTE_LIMITS.lines)
    return undefined
  const lines = texts.map(parseLine)
  return lines.every((line) => line !== undefined) ? { body: text.slice(0, end + 1), lines } : undefined
}

function parseLine(text: string): SignatureLine | undefined {
  const [, name = '', encoded = ''] = LINE.exec(text) ?? []
  const bytes = decodeBase64(encoded)
  if (bytes === undefined || bytes.length <= KEY_ID_BYTES || !isKeyName(name)) return undefined
  return { name, keyId: bytesToHex(bytes.subarray(0, KEY_ID_BYTES)), signature: bytes.subarray(KEY_ID_BYTES) }
}

/** Returns whether a text has a control character of ASCII other than a newline. */
function hasControl(text: string): boolean {
  for (let at = 0; at < text.length; at += 1) {
    const code = text.charCodeAt(at)
    if (code < 0x20 && code !== 0x0a) return true
  }
  return false
}
