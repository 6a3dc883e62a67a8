import * as Flags from '@oclif/core/flags'

/** What a run must prove, and what it is given for that. */
export const provenFlags = {
  require: Flags.string({
    helpValue: 'LIST',
    env: 'AUDIT_REQUIRE',
    summary:
      'what must be proven besides the rows: copies, signed, witnessed, witnessed=K, max-age=TIME; default with --policy: signed and its quorum',
  }),
  checkpoint: Flags.string({
    helpValue: 'FILE',
    multiple: true,
    multipleNonGreedy: true,
    summary:
      'a signed checkpoint that was kept elsewhere, which the chain must reproduce; a kept one of a mirror, or a note; also a key statement of a mirror (tlog/UUID/keys/), which says whose key signed it; can be given several times',
  }),
}
