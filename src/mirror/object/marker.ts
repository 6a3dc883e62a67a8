import { isUuid, NIL_UUID } from '../../chain/uuid.js'
import type { FoundMarker, MirrorMarkers } from '../../ports/marker.js'
import { AUDIT_PREFIX } from './key.js'

/** The key of the marker: below `audit/`, because the policy of a bucket often allows nothing else, and in no chain's folder. */
export const MARKER_KEY = `${AUDIT_PREFIX}mirror.json`

const FORMAT = 'audit-mirror-1'

/** A marker takes 80 bytes. */
const MAX_MARKER_BYTES = 1024

/** Exactly what {@link encodeMarker} writes, so that two markers with one id are equal byte by byte. */
const MARKER = new RegExp(`^\\{"format":"${FORMAT}","id":"([0-9a-f-]{36})"\\}\\n$`)

export function encodeMarker(id: string): Uint8Array {
  return Buffer.from(`${JSON.stringify({ format: FORMAT, id })}\n`, 'utf8')
}

/** Parses hostile bytes. Returns the id, or what is wrong. */
function decodeMarker(bytes: Uint8Array): Exclude<FoundMarker, { kind: 'none' }> {
  if (bytes.length > MAX_MARKER_BYTES) return malformed(`more than ${MAX_MARKER_BYTES} bytes`)
  const [, id = ''] = MARKER.exec(Buffer.from(bytes).toString('latin1')) ?? []
  if (!isUuid(id) || id === NIL_UUID) return malformed(`not the JSON document ${FORMAT} with an id`)
  return { kind: 'id', id }
}

function malformed(problem: string): { kind: 'malformed'; problem: string } {
  return { kind: 'malformed', problem }
}

/** The marker objects of mirrors, for the features. */
export const mirrorMarkers: MirrorMarkers = {
  read: async (store, signal) => {
    const object = await store.get(MARKER_KEY, MAX_MARKER_BYTES, signal)
    return object === undefined ? { kind: 'none' } : decodeMarker(object.bytes)
  },
  create: async (store, id, signal) => {
    await store.create(MARKER_KEY, encodeMarker(id), signal)
    return mirrorMarkers.read(store, signal)
  },
}
