import * as Flags from '@oclif/core/flags'

/** The flags that name heads seen before. Read with `parsePin` and `pinsOf`. */
export const pinFlags = {
  'expect-head': Flags.string({
    helpValue: 'SEQ:HASH',
    summary: 'a head seen before, which the chain must contain',
  }),
  'expect-heads': Flags.string({
    helpValue: 'FILE',
    summary: 'a file of saved verify results, one per line; their heads must be in the chains',
  }),
}
