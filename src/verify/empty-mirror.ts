import type { Finding } from '../chain/finding.js'
import type { MirrorCodec, MirrorStore } from '../ports/mirror.js'
import type { Scan } from '../ports/verify.js'

const NO_OBJECT =
  'the mirror holds no object of this chain at all; a Domain that is in another mirror needs a line in the mirror map'

/**
 * Returns the scan. Where objects are missing and the mirror holds no object of the chain at all, their findings say so: perhaps
 * the map was forgotten. They stay findings, because somebody may have deleted every object.
 */
export async function withEmptyMirror(
  scan: Scan,
  domainId: string,
  store: MirrorStore,
  codec: MirrorCodec,
  signal: AbortSignal,
): Promise<Scan> {
  const { fold, isCut = false } = scan
  if (isCut || !fold.findings.some(isAbsence)) return scan
  for await (const { key } of store.list(codec.prefix(domainId), signal))
    if (codec.hasRowForm(key)) return scan
  const findings = fold.findings.map((finding) =>
    isAbsence(finding) ? { ...finding, detail: `${finding.detail}; ${NO_OBJECT}` } : finding,
  )
  return { ...scan, fold: { ...fold, findings } }
}

function isAbsence({ code }: Finding): boolean {
  return code === 'object_missing'
}
