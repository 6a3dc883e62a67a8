import { AuditError } from '../base/errors.js'
import { sum } from '../base/sum.js'
import type { Finding } from '../chain/finding.js'
import type { Scan } from '../ports/verify.js'

/** Returns why the place that was read may not be the mirror; undefined where it is. Called only if objects are missing. */
export type JudgeMirror = (signal: AbortSignal) => Promise<AuditError | undefined>

/**
 * Returns the scan without its missing objects, and one doubt in their place, where the place that was read is not known to
 * be the mirror: objects that are absent from another place prove nothing. Objects that differ are findings anywhere.
 */
export async function withMirrorDoubt(scan: Scan, judge: JudgeMirror, signal: AbortSignal): Promise<Scan> {
  const absences = scan.fold.findings.filter(isAbsence)
  if (absences.length === 0) return scan
  const error = await judge(signal).catch((reason: unknown) => {
    if (reason instanceof AuditError && !signal.aborted) return reason
    throw reason
  })
  if (error === undefined) return scan
  const findings = scan.fold.findings.filter((finding) => !isAbsence(finding))
  return {
    ...scan,
    fold: { ...scan.fold, findings },
    doubts: [...(scan.doubts ?? []), doubt(error, absences)],
  }
}

function isAbsence({ code }: Finding): boolean {
  return code === 'object_missing'
}

function doubt({ code, message, advice, hint }: AuditError, absences: readonly Finding[]): AuditError {
  const rows = sum(absences, ({ seqFrom, seqTo }) => seqTo - seqFrom + 1)
  const first = absences[0]?.seqFrom
  return new AuditError(
    code,
    `${message}; ${rows} archived rows have no object there, from row ${first} on`,
    {
      advice,
      hint,
    },
  )
}
