import type { Client } from '../session/database.js'

/** A value of session_replication_role that keeps triggers from firing, and where it comes from. */
export interface TriggerSetting {
  /** Such as `database audit`, `role auditor in database audit` or `this session (configuration file)`. */
  readonly place: string
  readonly value: string
}

const STORED = `
  SELECT CASE WHEN s.setrole = 0 AND s.setdatabase = 0 THEN 'every role'
      WHEN s.setrole = 0 THEN 'database ' || d.datname
      ELSE 'role ' || coalesce(r.rolname, s.setrole::text) || coalesce(' in database ' || d.datname, '') END AS place,
    lower(split_part(setting, '=', 2)) AS value
  FROM pg_db_role_setting s CROSS JOIN unnest(s.setconfig) AS setting
  LEFT JOIN pg_database d ON d.oid = s.setdatabase LEFT JOIN pg_roles r ON r.oid = s.setrole
  WHERE (s.setdatabase = 0 OR d.datname = current_database())
    AND split_part(setting, '=', 1) = 'session_replication_role' AND lower(split_part(setting, '=', 2)) <> 'origin'
  ORDER BY 1`

const IN_EFFECT = `
  SELECT 'this session (' || source || ')' AS place, setting AS value FROM pg_settings
  WHERE name = 'session_replication_role' AND setting <> 'origin'`

/** Returns what switches triggers off: for every role of the database, and for this session. */
export async function triggerSettings(client: Client): Promise<TriggerSetting[]> {
  const { rows: stored } = await client.query<TriggerSetting>(STORED)
  const { rows: inEffect } = await client.query<TriggerSetting>(IN_EFFECT)
  return [...stored, ...inEffect]
}
