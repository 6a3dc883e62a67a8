import * as Flags from '@oclif/core/flags'

/** The keys that a verifier trusts. They must come from somewhere else than the log. */
export const policyFlags = {
  policy: Flags.string({
    helpValue: 'FILE',
    env: 'AUDIT_POLICY',
    summary: 'the keys of the log and its witnesses, and how many witnesses must have signed',
  }),
}
