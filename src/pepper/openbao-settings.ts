import { AuditError } from '../base/errors.js'

type Env = Readonly<Record<string, string | undefined>>

/** How we prove who we are: a token, or an AppRole that gets us one. */
export type BaoLogin = { readonly token: string } | { readonly roleId: string; readonly secretId: string }

/** What the environment says of an OpenBao or Vault; each variable as `BAO_…`, else as `VAULT_…`. */
export interface BaoSettings {
  readonly login: BaoLogin
  /** Of Vault Enterprise and OpenBao; absent: the root namespace. */
  readonly namespace?: string | undefined
  /** Path of a PEM file; absent: the certificate authorities that Node.js trusts. */
  readonly caFile?: string | undefined
}

/**
 * Reads `…_TOKEN`, or `…_ROLE_ID` and `…_SECRET_ID` where there is no token, `…_NAMESPACE` and `…_CACERT`. Throws
 * `pepper_not_configured` without any of the two, and where a value could not be a header's; it names variables only.
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

/** An empty variable is none. */
function given(env: Env, name: string): { variable: string; value: string } | undefined {
  for (const variable of [`BAO_${name}`, `VAULT_${name}`]) {
    const value = env[variable]?.trim()
    if (value !== undefined && value !== '') return { variable, value }
  }
  return undefined
}

/** Node's own refusal of a header's value would come late, from deep below. */
function headerText(env: Env, name: string): string | undefined {
  const found = given(env, name)
  if (found === undefined || /^[\x21-\x7e]+$/.test(found.value)) return found?.value
  throw new AuditError('pepper_not_configured', `${found.variable}: expected printable ASCII without blanks`)
}
