import { decodeCanonical } from '../chain/canonical.js'
import { Findings } from '../chain/finding.js'
import { ChainFold } from '../chain/fold.js'
import type { Hasher } from '../chain/hash.js'
import { LIMITS } from '../chain/limits.js'
import { PLATFORM_ANCHOR } from '../chain/uuid.js'
import type {
  EntrySource,
  KnownChains,
  MirrorCodec,
  MirrorStore,
  Scan,
  ScanProgress,
  ScanRequest,
} from '../ports.js'
import { streamObjects } from './object-stream.js'
import { strayFinding } from './stray.js'

/** A chain as its mirror holds it: needs no database, so a copy of the bucket is enough. */
export class MirrorSource implements EntrySource {
  readonly name = 'mirror'
  /** A mirror holds rows alone. That its newest objects were removed shows against a pin, or against Postgres. */
  readonly keepsHead = false

  constructor(
    readonly store: MirrorStore,
    readonly codec: MirrorCodec,
    readonly hasher: Hasher,
  ) {}

  async scan(request: ScanRequest, progress: (p: ScanProgress) => void, signal: AbortSignal): Promise<Scan> {
    const { domainId, fromSeq, toSeq } = request
    const fold = new ChainFold({ ...request, toSeq: undefined, hasher: this.hasher })
    const strays = new Findings()
    let last = 0
    let rows = 0
    const onKey = (seq: number) => {
      last = Math.max(last, seq)
    }
    const range = { domainId, fromSeq: fromSeq - 1, toSeq, onKey }
    for await (const object of streamObjects(this.store, this.codec, range, signal)) {
      if (object.kind === 'stray') strays.add(strayFinding(object))
      if (object.kind !== 'row') continue
      fold.add(object.row)
      rows += 1
      progress({ rows })
    }
    const result = fold.finish()
    const findings = [...result.findings, ...strays.sorted()]
    return {
      known: false,
      last: last === 0 ? undefined : { seq: last, hashes: [] },
      fold: { ...result, rows: result.rows, findings },
    }
  }
}

const DOMAIN_OBJECT = /^domain:([0-9a-f-]{36})$/

/**
 * The chains that a mirror has, and those that its copy of the platform chain says were created. A Domain whose creation
 * names a mirror of its own is not expected in this one.
 */
export async function mirrorChains(
  store: MirrorStore,
  codec: MirrorCodec,
  signal: AbortSignal,
): Promise<KnownChains> {
  const domainIds = new Set<string>()
  for await (const { key } of store.list(codec.prefix(), signal)) {
    const place = codec.parseKey(key)
    if (place !== undefined) domainIds.add(place.domainId)
  }
  const created = new Set<string>()
  const range = { domainId: PLATFORM_ANCHOR, fromSeq: 1, toSeq: LIMITS.maxSeq }
  for await (const object of streamObjects(store, codec, range, signal)) {
    const domainId = object.kind === 'row' ? createdBy(object.row.canonical) : undefined
    if (domainId !== undefined) created.add(domainId)
  }
  return { domainIds: [...new Set([...domainIds, ...created])].sort(), registered: created, created }
}

function createdBy(canonical: Uint8Array | undefined): string | undefined {
  if (canonical === undefined) return undefined
  const { relation, object, relationPath } = decodeCanonical(canonical)
  const isElsewhere = relationPath.some((step) => step.startsWith('mirror:'))
  return relation === 'audit.chain-create' && !isElsewhere ? DOMAIN_OBJECT.exec(object)?.[1] : undefined
}
