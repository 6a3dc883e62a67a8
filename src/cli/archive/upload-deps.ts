import type { BackfillDeps } from '../../archive/backfill.js'
import type { ArchiverDeps } from '../../archive/drain-pass.js'
import { nodeHasher } from '../../base/node-hasher.js'
import { openAlerts } from '../../compose/alerts.js'
import { openArchive } from '../../compose/archive.js'
import type { Context } from '../../compose/context.js'
import { note } from '../output/streams.js'
import { foundText } from './text.js'

/** What a command that uploads works with. */
export type UploadDeps = Omit<ArchiverDeps, 'onStamped'> & Pick<BackfillDeps, 'ledger'>

/** Each finding goes to the quarantine, and once to `print` and to the alerts. */
export async function uploadDepsOf(
  context: Context,
  concurrency: number,
  print: (line: string) => void,
): Promise<UploadDeps> {
  // First, because invalid alert settings are a usage error.
  const alerts = await openAlerts(context, note)
  const { queue, ledger, codec, mirrors, quarantine } = await openArchive(context, concurrency)
  const { FindingLog } = await import('../../archive/finding-log.js')
  const log = new FindingLog({
    quarantine,
    report: (domainId, found) => {
      print(foundText(domainId, found))
      alerts.raise({ domainId, source: found.source, findings: [found.finding] })
    },
    notPermitted: () => print('note: the findings were not quarantined: this role may not write'),
  })
  return {
    queue,
    ledger,
    codec,
    mirrors,
    hasher: nodeHasher,
    onFindings: (domainId, findings) => log.add(domainId, findings),
  }
}
