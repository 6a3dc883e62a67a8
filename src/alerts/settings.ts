import { readFileSync } from 'node:fs'
import { AuditError, errnoOf } from '../base/errors.js'

export interface WebhookSettings {
  readonly url: URL
  readonly secret: string
}

type Environment = Readonly<Record<string, string | undefined>>

/** Bytes that a secret must have: fewer can be guessed. */
const SECRET_BYTES = 16

/**
 * Where alerts go, undefined where nowhere. Throws `usage` for a URL that is none or has a password, and for a secret
 * that is missing or too short; `file_unreadable` for one that cannot be read. The URL may hold a token: never print it.
 */
export function webhookSettings(env: Environment): WebhookSettings | undefined {
  const text = env.AUDIT_ALERT_WEBHOOK_URL
  if (text === undefined) return undefined
  return { url: webhookUrl(text), secret: secretOf(env) }
}

function webhookUrl(text: string): URL {
  const url = URL.canParse(text) ? new URL(text) : undefined
  if (url === undefined || !/^https?:$/.test(url.protocol) || url.hostname === '') {
    throw new AuditError('usage', 'AUDIT_ALERT_WEBHOOK_URL: expected a URL http://… or https://…')
  }
  if (url.username !== '' || url.password !== '') {
    throw new AuditError('usage', 'AUDIT_ALERT_WEBHOOK_URL: expected no user and no password in it', {
      advice: { code: 'sign_alerts_with_secret' },
    })
  }
  return url
}

function secretOf(env: Environment): string {
  const [given, file] = [env.AUDIT_ALERT_WEBHOOK_SECRET, env.AUDIT_ALERT_WEBHOOK_SECRET_FILE]
  if (given !== undefined && file !== undefined) {
    throw new AuditError(
      'usage',
      'AUDIT_ALERT_WEBHOOK_SECRET and AUDIT_ALERT_WEBHOOK_SECRET_FILE exclude each other',
    )
  }
  const secret = file === undefined ? given : readSecret(file)
  if (secret !== undefined && Buffer.byteLength(secret) >= SECRET_BYTES) return secret
  throw new AuditError(
    'usage',
    `AUDIT_ALERT_WEBHOOK_URL: expected a secret of at least ${SECRET_BYTES} bytes beside it`,
    { advice: { code: 'give_alert_secret' } },
  )
}

function readSecret(path: string): string {
  try {
    // Whoever makes the file with echo has a newline in it.
    return readFileSync(path, 'utf8').replace(/\r?\n$/, '')
  } catch (error) {
    throw new AuditError(
      'file_unreadable',
      `AUDIT_ALERT_WEBHOOK_SECRET_FILE cannot be read (${errnoOf(error)})`,
    )
  }
}
