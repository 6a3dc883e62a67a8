import { AuditError } from '../../base/errors.js'

/** Returns the id. Throws `usage` without repeating the text, which may be the key itself. */
export function parseKeyId(text: string): string {
  if (/^ak_[0-9a-f]{16}$/.test(text)) return text
  throw new AuditError('usage', 'expected the id of a key, ak_ and 16 hex digits', {
    advice: { code: 'list_keys' },
  })
}
