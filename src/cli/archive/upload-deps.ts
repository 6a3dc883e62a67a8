import type { BackfillDeps } from '../../archive/backfill.js'
import type { ArchiverDeps } from '../../archive/drain-pass.js'
import type { PlacesDeps } from '../../archive/places.js'
import type { RecheckDeps } from '../../archive/stamps/recheck.js'
import { nodeHasher } from '../../base/node-hasher.js'
import { openAlerts } from '../../compose/alerts.js'
import { type ArchiveUse, openArchive } from '../../compose/archive.js'
import type { Context } from '../../compose/context.js'
import { guarded, openHeldChains, openMirrorGuard } from '../../compose/marker.js'
import type { SigningAlerts } from '../../ports/alerts.js'
import { note } from '../output/streams.js'
import { markedText, unreadableText, unwritableText } from './marker-text.js'
import { foundText, unenforcedText } from './text.js'
import { UncomparedNotes } from './uncompared-notes.js'

/** What a command that uploads works with. */
export type UploadDeps = Omit<ArchiverDeps, 'onStamped'> &
  Pick<BackfillDeps, 'ledger' | 'hasBegun'> &
  Pick<RecheckDeps, 'onUncompared'> &
  Pick<PlacesDeps, 'chains'> & { readonly alerts: SigningAlerts }

export interface UploadOptions
  extends Omit<Extract<ArchiveUse, { kind: 'upload' }>, 'kind' | 'onUnenforced'> {
  readonly init: 'begin' | 'replace' | undefined
  readonly dryRun?: boolean | undefined
  /** The Domain that the default mirror was given for, by a flag. */
  readonly only?: string | undefined
}

/** Each finding goes to the quarantine, and once to `print` and to the alerts. */
export async function uploadDepsOf(
  context: Context,
  { init, dryRun, only, ...use }: UploadOptions,
  print: (line: string) => void,
): Promise<UploadDeps> {
  // First, because invalid alert settings are a usage error.
  const alerts = await openAlerts(context, note)
  const onUnenforced = (url: string) => print(unenforcedText(url))
  const archive = await openArchive(context, { kind: 'upload', onUnenforced, ...use })
  const { queue, ledger, codec, mirrors, quarantine } = archive
  const guard = await openMirrorGuard(context, {
    init,
    dryRun,
    report: {
      unreadable: (error) => print(unreadableText(error)),
      unwritable: (error) => print(unwritableText(error)),
      marked: (url, how) => print(markedText(url, how)),
    },
  })
  const { held, chains } = await openHeldChains(context)
  const { FindingLog } = await import('../../archive/finding-log.js')
  const log = new FindingLog({
    quarantine,
    report: (domainId, found) => {
      print(foundText(domainId, found))
      alerts.raise({ domainId, source: found.source, findings: [found.finding] })
    },
    notPermitted: () => print('note: the findings were not quarantined: this role may not write'),
  })
  const uncompared = new UncomparedNotes(print)
  return {
    queue,
    ledger,
    codec,
    mirrors,
    assertOurs: (mirror, signal) => guard.assertOurs(guarded(mirror, mirrors, only), signal),
    assertHeld: (domainId, mirror, signal) =>
      held.assertHeld(domainId, guarded(mirror, mirrors, only), signal),
    hasBegun: ({ url }) => guard.hasBegun(url),
    chains,
    onUncompared: (one) => uncompared.add(one),
    hasher: nodeHasher,
    onFindings: (domainId, findings) => log.add(domainId, findings),
    alerts,
  }
}
