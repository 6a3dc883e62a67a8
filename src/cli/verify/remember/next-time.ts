import type { Context } from '../../../compose/context.js'
import { mirrorLocations } from '../../../compose/location.js'
import type { SourceName } from '../../../ports/verify.js'
import { safe } from '../../output/safe-text.js'
import { note } from '../../output/streams.js'
import { verifyHereWords } from '../../shell/verify-words.js'

/** What a run verified, whose end nothing proves. */
export interface Unproven {
  readonly chain: string | 'all'
  readonly source: SourceName
  /** The path of a bundle. */
  readonly file?: string | undefined
  /** Whether the answer is JSON, whose `end` says it. */
  readonly json: boolean
}

/** Notes the command that remembers the head, so that the next run shows whether rows were removed since. With `--json` it notes nothing. */
export async function noteNextTime({ chain, source, file, json }: Unproven, context: Context): Promise<void> {
  if (json) return
  const isOfMirror = source === 'mirror' || source === 'both'
  const given = isOfMirror ? (await mirrorLocations(context)).given : undefined
  const words = verifyHereWords({ source, chain, file, given })
  note(safe`note: to see next time whether rows were removed: ${words} --remember heads.ndjson`)
}
