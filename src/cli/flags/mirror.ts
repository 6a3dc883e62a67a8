import * as Flags from '@oclif/core/flags'

/** The flag of every command that works on a mirror. */
export const mirrorFlags = {
  mirror: Flags.string({
    helpGroup: 'COMMON',
    helpValue: 'URL',
    env: 'AUDIT_MIRROR_URL',
    summary:
      'the mirror of Domains that name none: s3://bucket[/prefix] or file:///dir; default with the embedded PostgreSQL: a directory under --home',
  }),
}
