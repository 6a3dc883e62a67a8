import { AuditError } from '../base/errors.js'
import type { CursorKey, Pepper, PepperVault } from '../ports/pepper.js'
import { EnvKeyPepper } from './env-key.js'
import { KeyFilePepper } from './key-file.js'
import { OpenBaoPepper } from './openbao.js'
import { baoSettings } from './openbao-settings.js'
import { type PepperPlace, parsePepperUrl } from './pepper-url.js'

type Env = Readonly<Record<string, string | undefined>>

/** Opens the source that a URL names (pepper-url.ts). Throws `usage`, and `pepper_not_configured` where the login is missing. */
export function openPepperSource(url: string, env: Env = process.env): Pepper & CursorKey {
  const place = parsePepperUrl(url)
  if (place.kind === 'file') return new KeyFilePepper(place.path)
  return place.kind === 'env' ? new EnvKeyPepper(place.name, env) : vaultAt(place, env)
}

/** Opens a source that can store peppers. Throws `usage` for a source that derives them. */
export function openPepperVault(url: string | undefined, env: Env = process.env): PepperVault {
  const place = url === undefined ? undefined : parsePepperUrl(url)
  if (place?.kind === 'openbao') return vaultAt(place, env)
  throw new AuditError('usage', 'peppers are provisioned in an openbao:// source only', {
    advice: { code: 'name_vault' },
  })
}

function vaultAt(place: Extract<PepperPlace, { kind: 'openbao' }>, env: Env): OpenBaoPepper {
  return new OpenBaoPepper(place, baoSettings(env))
}
