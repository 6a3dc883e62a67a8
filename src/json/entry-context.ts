import { jsonShape, MAX_JSON_DEPTH } from '../base/json-shape.js'
import { wireTime } from '../base/wire-time.js'
import type { ReadEntry } from '../ports/query.js'

/** What is kept beside a row. No hash covers it, so an edit of it stays undetected; erasing the person deletes it. */
export interface EntryContextJson {
  readonly covered_by_hash: false
  readonly ip?: string
  readonly user_agent?: string
  /** The event's own time, for an imported event. */
  readonly event_time?: string
  /** The JSON object, or its text where it is nested too deeply to be printed as JSON. */
  readonly metadata?: unknown
  /** Why a person was identified. Only in `get` of a row `audit.identity-reveal`. */
  readonly reveal_reason?: string
}

export function entryContextJson({
  ip,
  userAgent,
  eventTime,
  metadata,
  revealReason,
}: ReadEntry): EntryContextJson {
  return {
    covered_by_hash: false,
    ...(ip !== undefined && { ip }),
    ...(userAgent !== undefined && { user_agent: userAgent }),
    ...(eventTime !== undefined && { event_time: wireTime(eventTime) }),
    ...(metadata !== undefined && { metadata: metadataOf(metadata) }),
    ...(revealReason !== undefined && { reveal_reason: revealReason }),
  }
}

function metadataOf(text: string): unknown {
  return jsonShape(text).depth > MAX_JSON_DEPTH ? text : JSON.parse(text)
}
