import { hkdfSync } from 'node:crypto'
import type { CursorKey } from '../ports/pepper.js'

/**
 * The key of the cursors of a mirror and of a bundle. It is no secret: such a cursor guards against mistakes alone, because
 * everybody who holds the copy can read all of it. A server has another key, so it refuses these cursors.
 */
export const offlineCursorKey: CursorKey = {
  cursorKey: async () =>
    new Uint8Array(hkdfSync('sha256', new Uint8Array(32), '', 'audit/cursor/offline/v1', 32)),
}
