import type { ArchiverDeps } from '../../archive/turn.js'
import { nodeHasher } from '../../base/node-hasher.js'
import type { Archive } from '../../compose/archive.js'
import type { Alerts } from '../../ports/alerts.js'
import { foundText } from './text.js'

export type Archiving = Archive & { readonly alerts: Alerts }

/** What every command that uploads works with. Findings go to the quarantine, and each, once, to `say` and the alerts. */
export async function uploadDepsOf(
  { queue, codec, mirrors, quarantine, alerts }: Archiving,
  say: (line: string) => void,
): Promise<Omit<ArchiverDeps, 'onStamped'>> {
  const { FindingLog } = await import('../../archive/finding-log.js')
  const log = new FindingLog({
    quarantine,
    tell: (domainId, found) => {
      say(foundText(domainId, found))
      alerts.raise({ domainId, source: found.source, findings: [found.finding] })
    },
    notPermitted: () => say('note: findings were not quarantined: this role may not write'),
  })
  return {
    queue,
    codec,
    mirrors,
    hasher: nodeHasher,
    onFindings: (domainId, findings) => log.add(domainId, findings),
  }
}
