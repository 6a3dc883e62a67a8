import type { FindingCode } from '../../../chain/finding.js'

/** What each kind of finding means, for a reader who does not know the program. */
export const CODE_WORDS = {
  malformed_row:
    'The row does not have the form that every row is written in, or its time is before an earlier row.',
  entry_hash_mismatch:
    'The content of the row is not the content that was written: it was changed afterwards.',
  broken_link:
    'The row does not follow from the row before it: one of the two was replaced, or the link between them was changed.',
  seq_gap: 'Rows are missing here: the numbers of the rows have a gap.',
  duplicate_seq: 'Two rows have the same number. Each number is given once.',
  row_missing: 'The database does not have this row, and the second copy has it.',
  object_missing: 'The second copy does not have this row, although it was written there.',
  object_malformed: 'The stored file of this row is damaged or is not a row.',
  orphan_object: 'Something is stored here that is no part of the log.',
  copies_differ: 'The two copies of this row are different: at least one of them was changed.',
  head_mismatch:
    'The log does not end where its own record of the end says: rows were removed from the end, or added.',
  unexpected_head: 'A row that somebody noted earlier is not in the log, or is a different row now.',
  checkpoint_mismatch:
    'The rows are not the rows that the log signed: they were replaced after the signature.',
  checkpoint_rollback: 'The log signed more rows than it has: rows were removed from the end.',
  checkpoint_conflict: 'The log signed two different histories of the same rows.',
  chain_missing: 'The log of a Domain that is known to exist has no rows.',
  chain_unknown: 'There is a log of a Domain that was never recorded as created.',
} as const satisfies Record<FindingCode, string>
