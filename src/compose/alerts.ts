import { join } from 'node:path'
import type { Alerts, SigningAlerts } from '../ports/alerts.js'
import type { Context } from './context.js'

const NO_ALERTS: Alerts & SigningAlerts = {
  raise: () => undefined,
  notSigned: () => undefined,
  settled: async () => undefined,
}

/** Throws `usage` for an invalid webhook. */
export async function checkAlertSettings(): Promise<void> {
  if (process.env.AUDIT_ALERT_WEBHOOK_URL === undefined) return
  const { webhookSettings } = await import('../alerts/settings.js')
  webhookSettings(process.env)
}

/**
 * Returns the webhook that the environment names, or alerts that go nowhere. Call it before any other work, because it
 * throws `usage` for an invalid webhook. `warn` prints a line about an alert that could not be delivered. Closing the
 * context waits for alerts in flight.
 */
export async function openAlerts(
  context: Context,
  warn: (line: string) => void,
): Promise<Alerts & SigningAlerts> {
  if (process.env.AUDIT_ALERT_WEBHOOK_URL === undefined) return NO_ALERTS
  const [{ webhookSettings }, { AlertWindow }, { WebhookAlerts }] = await Promise.all([
    import('../alerts/settings.js'),
    import('../alerts/window.js'),
    import('../alerts/webhook.js'),
  ])
  const settings = webhookSettings(process.env)
  if (settings === undefined) return NO_ALERTS
  const window = new AlertWindow(join(context.home, 'alerts'))
  const alerts = new WebhookAlerts({ settings, window, warn, signal: context.signal })
  context.onClose(() => alerts.settled())
  return alerts
}
