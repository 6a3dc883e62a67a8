import * as Flags from '@oclif/core/flags'

/** The file of the heads of earlier runs. There is no default: without the flag nothing is read or written. */
export const rememberFlags = {
  remember: Flags.string({
    env: 'AUDIT_REMEMBER',
    helpValue: 'FILE',
    summary:
      'the heads of earlier runs: each must still be in its chain, and a run that ends with 0 writes its own',
  }),
}
