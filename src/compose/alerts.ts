import { join } from 'node:path'
import type { Alerts } from '../ports/alerts.js'
import type { Context } from './context.js'

const NO_ALERTS: Alerts = { raise: () => undefined, settled: async () => undefined }

/**
 * Returns the webhook of the environment. Call it before anything else is done: it throws `usage` for a webhook that is
 * not valid. `note` gets a line for each alert that could not be delivered. The context waits for alerts under way
 * when it closes.
 */
export async function alertsOf(context: Context, note: (line: string) => void): Promise<Alerts> {
  if (process.env.AUDIT_ALERT_WEBHOOK_URL === undefined) return NO_ALERTS
  const [{ webhookSettings }, { Window }, { WebhookAlerts }] = await Promise.all([
    import('../alerts/settings.js'),
    import('../alerts/window.js'),
    import('../alerts/webhook.js'),
  ])
  const settings = webhookSettings(process.env)
  if (settings === undefined) return NO_ALERTS
  const window = new Window(join(context.home, 'alerts'))
  const alerts = new WebhookAlerts({ settings, window, tell: note, signal: context.signal })
  context.onClose(() => alerts.settled())
  return alerts
}
