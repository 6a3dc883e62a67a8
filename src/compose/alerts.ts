import { join } from 'node:path'
import { note } from '../cli/output/streams.js'
import { interruption } from '../cli/shell/interruption.js'
import type { Alerts } from '../ports/alerts.js'
import type { Context } from './context.js'

const NOBODY: Alerts = { raise: () => undefined, settled: async () => undefined }

/**
 * The webhook of the environment; to be called before anything else is done, for it throws `usage` where that is not
 * valid. `tell` takes what could not be delivered. Alerts that are under way when the context is closed are waited for.
 */
export async function alertsOf(context: Context, tell = note): Promise<Alerts> {
  if (process.env.AUDIT_ALERT_WEBHOOK_URL === undefined) return NOBODY
  const [{ webhookSettings }, { Window }, { WebhookAlerts }] = await Promise.all([
    import('../alerts/settings.js'),
    import('../alerts/window.js'),
    import('../alerts/webhook.js'),
  ])
  const settings = webhookSettings(process.env)
  if (settings === undefined) return NOBODY
  const window = new Window(join(context.home, 'alerts'))
  const alerts = new WebhookAlerts({ settings, window, tell, signal: interruption })
  context.onClose(() => alerts.settled())
  return alerts
}
