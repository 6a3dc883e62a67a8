import { AuditError } from '../base/errors.js'

type Env = Readonly<Record<string, string | undefined>>

/** The login: a token, or an AppRole that gives one. */
export type BaoLogin = { readonly token: string } | { readonly roleId: string; readonly secretId: string }

/** The settings of an OpenBao or Vault in the environment. Each variable is `BAO_…`, or `VAULT_…` where that is not set. */
export interface BaoSettings {
  readonly login: BaoLogin
  /** A namespace of Vault Enterprise or OpenBao. Absent: the root namespace. */
  readonly namespace?: string | undefined
  /** The path of a PEM file. Absent: the certificate authorities that Node.js trusts. */
  readonly caFile?: string | undefined
}

/**
 * Reads `…_TOKEN`, or `…_ROLE_ID` and `…_SECRET_ID` where there is no token, and `…_NAMESPACE` and `…_CACERT`. Throws
 * `pepper_not_configured` where there is no login, or where a value cannot be sent in a header. The message names
 * variables only.
 */
export function baoSettings(env: Env): BaoSettings {
  return {
    login: loginOf(env),
    namespace: headerText(env, 'NAMESPACE'),
    caFile: given(env, 'CACERT')?.value,
  }
}

function loginOf(env: Env): BaoLogin {
  const token = headerText(env, 'TOKEN')
  if (token !== undefined) return { token }
  const [roleId, secretId] = [given(env, 'ROLE_ID')?.value, given(env, 'SECRET_ID')?.value]
  if (roleId !== undefined && secretId !== undefined) return { roleId, secretId }
  throw new AuditError('pepper_not_configured', 'openbao:// needs a token or an AppRole', {
    advice: { code: 'give_vault_login' },
  })
}

/** Returns the variable that is set, and its value. An empty variable is not set. */
function given(env: Env, name: string): { variable: string; value: string } | undefined {
  for (const variable of [`BAO_${name}`, `VAULT_${name}`]) {
    const value = env[variable]?.trim()
    if (value !== undefined && value !== '') return { variable, value }
  }
  return undefined
}

/** Returns a value that can be sent in a header. Checked early: Node would refuse it only when the request is sent. */
function headerText(env: Env, name: string): string | undefined {
  const found = given(env, name)
  if (found === undefined || /^[\x21-\x7e]+$/.test(found.value)) return found?.value
  throw new AuditError('pepper_not_configured', `${found.variable}: expected printable ASCII without blanks`)
}
