import * as Flags from '@oclif/core/flags'

/** Where the mirror is. Spread into the flags of every command that works on one. */
export const mirrorFlags = {
  mirror: Flags.string({
    helpGroup: 'COMMON',
    helpValue: 'URL',
    env: 'AUDIT_MIRROR_URL',
    summary:
      'the mirror of Domains that name none: s3://bucket[/prefix] or file:///dir; default with its own PostgreSQL: a directory under --home',
  }),
}
