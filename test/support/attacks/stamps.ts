import { stampSql, unstampSql } from '../archive-stamps.js'
import { type Attack, unseen } from './attack.js'
import { A } from './chains.js'

/** Returns SQL that inserts a stamp of chain A, for a row or for none. */
export function forgeStamp(seq: number, at = 'now()'): string {
  return `INSERT INTO audit_archive_stamp VALUES ('${A}', ${seq}, ${at}, '"x"');`
}

/** Returns SQL that sets the watermark of chain A as a role that may archive can: it only grows. */
export function forceWatermark(seq: number | string): string {
  return `INSERT INTO audit_archive_watermark VALUES ('${A}', ${seq}) ON CONFLICT (domain_id) DO UPDATE SET seq = excluded.seq;`
}

export const DROP_WATERMARK = 'DELETE FROM audit_archive_watermark;'

/** PostgreSQL alone cannot see objects, so no stamp is a finding there. */
export const STAMPS_ATTACKED: readonly Attack[] = [
  unseen('stamps: one deleted', stampSql() + unstampSql(`domain_id = '${A}' AND seq = 4`)),
  unseen('stamps: all deleted', stampSql() + unstampSql()),
  unseen('stamps: one forged for a row that was not uploaded', forgeStamp(8)),
  unseen('stamps: one forged that is older than its row', forgeStamp(8, "'2001-01-01'")),
  unseen('stamps: one forged at an infinite time', forgeStamp(8, "'infinity'")),
  unseen('stamps: one forged without a row', stampSql() + forgeStamp(99)),
  unseen('stamps: the watermark forced beyond everything', stampSql() + forceWatermark('9007199254740991')),
  unseen('stamps: the watermark deleted', stampSql() + forceWatermark(8) + DROP_WATERMARK),
]
