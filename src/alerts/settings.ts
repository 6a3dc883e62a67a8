import { readFileSync } from 'node:fs'
import { AuditError, errnoOf } from '../base/errors.js'

export interface WebhookSettings {
  readonly url: URL
  readonly secret: string
}

type Environment = Readonly<Record<string, string | undefined>>

/** The shortest secret, in bytes: a shorter secret can be guessed. */
const MIN_SECRET_BYTES = 16

/**
 * Returns where alerts are sent; undefined if no webhook is set. Throws `usage` for an invalid URL, a URL with a user or
 * password, and a secret that is missing or too short. Throws `file_unreadable` for a secret file that cannot be read. The
 * URL may hold a token: never print it.
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
    throw new AuditError('usage', 'AUDIT_ALERT_WEBHOOK_URL: expected no user and no password', {
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
  if (secret !== undefined && Buffer.byteLength(secret) >= MIN_SECRET_BYTES) return secret
  throw new AuditError('usage', `AUDIT_ALERT_WEBHOOK_SECRET: expected at least ${MIN_SECRET_BYTES} bytes`, {
    advice: { code: 'give_alert_secret' },
  })
}

function readSecret(path: string): string {
  try {
    // A file made with echo ends with a newline.
    return readFileSync(path, 'utf8').replace(/\r?\n$/, '')
  } catch (error) {
    throw new AuditError(
      'file_unreadable',
      `AUDIT_ALERT_WEBHOOK_SECRET_FILE cannot be read (${errnoOf(error)})`,
    )
  }
}
