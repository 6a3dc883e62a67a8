import type { Conclusion } from '../../../verify/signed/conclusion.js'
import type { SignedThrough, Verdict } from '../../../verify/verdict.js'
import { ageText } from '../../output/age-text.js'
import { safe } from '../../output/safe-text.js'

/** What a run concluded about a chain, and when. */
export interface Concluded {
  readonly conclusion: Conclusion
  /** The clock of this machine, in microseconds since 1970. */
  readonly now: bigint
}

/** Returns what is signed of a chain without findings, and what is not proven (tlog.md, section 9). `isRemoved`: no command can read the log any more. */
export function signedLines(verdict: Verdict, concluded: Concluded | undefined, isRemoved = false): string[] {
  const { unknown = [], word } = concluded?.conclusion ?? {}
  const isProven = word === 'verified' || word === 'intact'
  const notProven = verdict.ok ? (concluded?.conclusion.notProven ?? []) : []
  const through = verdict.ok ? verdict.signatures?.through : undefined
  return [
    ...(through === undefined || concluded === undefined ? [] : throughLines(through, concluded, isRemoved)),
    ...(isOpenEnd(verdict) && notProven.length === 0 && !isRemoved ? [NOT_SIGNED] : []),
    ...notProven.map((text) => safe`not proven: ${text}`),
    ...unknown.map((text) => safe`${isProven ? 'note' : 'not proven'}: ${text}`),
  ]
}

const OWN_KEY =
  'nobody else vouches for that key: give --policy FILE with a key that you did not get from here'
const NOT_SIGNED =
  'not signed: a rewritten or cut end would pass. Run audit log init, or pin this head: --expect-head'

/** Returns whether the run looked for a signed head, and nothing from outside shows where the chain ends. */
function isOpenEnd({ ok, signatures, end, toSeq, head }: Verdict): boolean {
  const isUnsigned = signatures !== undefined && signatures.through === undefined
  return ok && isUnsigned && end !== 'pinned' && toSeq === undefined && head.seq > 0
}

function throughLines(through: SignedThrough, concluded: Concluded, isRemoved: boolean): string[] {
  const { conclusion } = concluded
  if (through.by === 'policy') {
    const { throughSeq, logName, platformSeq } = through
    const row = platformSeq === undefined ? '' : ` (platform row ${platformSeq})`
    const seen = seenText(concluded)
    return [
      `signed through row ${throughSeq} by ${logName}${row}${beyondText(through, concluded)}`,
      ...(seen === '' ? [] : [seen]),
    ]
  }
  const { rowsBeyond: rows } = through
  const wait = rows === 1 ? '1 newer row waits' : `${rows} newer rows wait`
  return [
    `signed through row ${through.throughSeq} by this log's own key ${through.keyId}${rows === 0 ? '' : `; ${wait} for the next signature`}`,
    ...(isRemoved ? [] : [OWN_KEY]),
    ...(conclusion.axes.copies.isProven ? ['both copies compared'] : []),
  ]
}

function beyondText({ rowsBeyond, beyondSince }: SignedThrough, { now }: Concluded): string {
  if (rowsBeyond === 0) return ''
  const rows = rowsBeyond === 1 ? '1 newer row' : `${rowsBeyond} newer rows`
  if (beyondSince === undefined) return `; ${rows}`
  return `; ${rows}, the oldest of ${ageText(Number(now - beyondSince) / 1e6)}`
}

function seenText({ conclusion, now }: Concluded): string {
  const { witnesses, axes } = conclusion
  const seen =
    witnesses?.newest === undefined
      ? []
      : [
          `seen by ${witnesses.signed} of ${witnesses.all} ${witnesses.all === 1 ? 'witness' : 'witnesses'}, ${ageText(Number(now / 1_000_000n - witnesses.newest))} ago`,
        ]
  return [...seen, ...(axes.copies.isProven ? ['both copies compared'] : [])].join('; ')
}
