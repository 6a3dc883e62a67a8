import { AuditError } from '../base/errors.js'
import type { Finding } from '../chain/finding.js'
import { MAX_OBJECT_BYTES } from '../ports/mirror.js'
import type { ChainWork } from './chain-work.js'
import type { Tree } from './grow-tree.js'
import type { NotSignedReason } from './reasons.js'

/** What is wrong with the object of the last row of a tree. */
export interface ObjectProblem {
  readonly reason: Extract<NotSignedReason, 'object_missing' | 'copies_differ'>
  readonly message: string
  readonly findings: readonly Finding[]
}

/**
 * Compares the object of the last row with the row. Its entry_hash depends on all rows before it, so this one object shows that the
 * mirror has the same history. Undefined where it has. Rejects as the mirror does.
 */
export async function judgeObject(
  { deps, chain, mirror, signal }: ChainWork,
  { size, lastEntryHash }: Pick<Tree, 'size' | 'lastEntryHash'>,
): Promise<ObjectProblem | undefined> {
  const { domainId } = chain
  const store = await mirror()
  const name = deps.codec.key(domainId, size)
  const object = await store.get(name, MAX_OBJECT_BYTES, signal)
  if (object === undefined) {
    const message = `chain ${domainId}: row ${size} is archived, and ${store.url} has no object ${name}`
    return { reason: 'object_missing', message, findings: [] }
  }
  const decoded = await deps.codec.decode(object.bytes, { domainId, seq: size })
  if ('entry' in decoded && decoded.entry.entryHash === lastEntryHash && isSound(decoded, deps))
    return undefined
  if ('unchecked' in decoded && decoded.unchecked !== undefined) {
    throw new AuditError(
      'generation_unknown',
      `chain ${domainId}: object ${name} is of generation ${decoded.unchecked.unknownGeneration}, which this program does not know`,
      { advice: { code: 'upgrade' } },
    )
  }
  const what = 'entry' in decoded ? 'it holds another row' : decoded.problem
  const observed = 'entry' in decoded ? decoded.entry.entryHash : undefined
  const detail = `the object of the row to be signed: ${what}`
  const finding: Finding = {
    code: 'copies_differ',
    seqFrom: size,
    seqTo: size,
    expected: lastEntryHash,
    ...(observed !== undefined && { observed }),
    detail,
  }
  return {
    reason: 'copies_differ',
    message: `chain ${domainId}: expected row ${size} in ${store.url}, got another object: ${what}`,
    findings: [finding],
  }
}

/** The decoder checks no hash. */
function isSound(
  { entry, canonical }: { entry: { prevHash: string; entryHash: string }; canonical: Uint8Array },
  { hasher }: ChainWork['deps'],
): boolean {
  return hasher.entry(entry.prevHash, canonical) === entry.entryHash
}
