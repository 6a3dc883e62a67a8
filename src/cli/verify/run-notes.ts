import type { Context } from '../../compose/context.js'
import type { KnownChains } from '../../ports/domains.js'
import { safe } from '../output/safe-text.js'
import { note } from '../output/streams.js'
import { CommandError } from '../shell/command-error.js'
import { logWords } from '../shell/given-log.js'
import { verifyWords } from '../shell/verify-words.js'

/** Throws for a pinned chain in another mirror: this mirror cannot show whether the chain is intact. */
export function assertHere(domainId: string, known: KnownChains | undefined): void {
  const other = known?.elsewhere?.find((one) => one.domainId === domainId)
  if (other === undefined) return
  throw new CommandError(
    'nothing_to_verify',
    `Domain ${domainId} is pinned and is not in this mirror: its own mirror is ${other.mirrorUrl}`,
    `run: ${verifyWords({ source: 'mirror', chain: domainId, given: { url: other.mirrorUrl } })}`,
  )
}

/** Warns about a connection on which no trigger fires. What is stored can be verified all the same. */
export async function warnTriggersOff(context: Context): Promise<void> {
  const { triggersOff } = await context.database()
  if (triggersOff === undefined) return
  note(
    safe`warning: session_replication_role is ${triggersOff}: triggers do not guard the tables, and commands that write stop; see: audit db status${logWords()}`,
  )
}

/** Notes other audit logs in the database: the search_path may lead to another log than the intended one. */
export async function noteOtherLogs(context: Context): Promise<void> {
  const { location } = await context.database()
  if (location === undefined || location.elsewhere.length === 0) return
  const others = location.elsewhere.join(', ')
  note(safe`note: this is the audit log of schema ${location.schema}; this database has others: ${others}`)
}
