import * as Flags from '@oclif/core/flags'

/** The flags of every command that works on a mirror. */
export const mirrorFlags = {
  mirror: Flags.string({
    helpGroup: 'COMMON',
    helpValue: 'URL',
    env: 'AUDIT_MIRROR_URL',
    summary:
      'the mirror of the platform chain and of Domains that name none: s3://bucket[/prefix] or file:///dir; default with the embedded PostgreSQL: a directory under --home',
  }),
  'mirror-map': Flags.string({
    helpGroup: 'COMMON',
    helpValue: 'FILE',
    env: 'AUDIT_MIRROR_MAP',
    summary:
      'the mirrors of Domains, one line "DOMAIN URL" each; DOMAIN may be *, and URL may contain {domain_id}',
  }),
}

/** Returns whether the mirror was given as a flag, and not by the environment. */
export function isMirrorTyped(raw: readonly { readonly type: string; readonly flag?: string }[]): boolean {
  return raw.some(({ type, flag }) => type === 'flag' && flag === 'mirror')
}
