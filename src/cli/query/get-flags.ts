import { AuditError } from '../../base/errors.js'
import { parseSeq } from '../../query/list-query.js'
import type { ParsedChain } from '../flags/chain.js'
import { parseSeqAndFile } from '../flags/source.js'
import { type ProofTarget, parseProofTarget } from '../proof/get-flags.js'
import type { GetOptions } from './get-run.js'
import { parseFrom } from './source.js'

interface ParsedGet extends ParsedChain {
  readonly args: { readonly seq?: string | undefined; readonly file?: string | undefined }
  readonly flags: ParsedChain['flags'] & {
    readonly seq?: string | undefined
    readonly source?: string | undefined
    readonly json: boolean
    readonly proof?: string | undefined
    readonly bare?: boolean | undefined
    readonly size?: string | undefined
  }
}

/** What `get` reads, and the proof that it writes. */
export interface ParsedOptions {
  readonly options: GetOptions
  /** Absent: the row is printed. */
  readonly target?: ProofTarget | undefined
}

/** Parses the flags and arguments of `get`. Throws `usage` unless they give exactly one seq, and `invalid_seq`. */
export function parseGet(parsed: ParsedGet): ParsedOptions {
  const { args, flags } = parsed
  const { seq, file } = parseSeqAndFile([args.seq, args.file])
  if (seq !== undefined && flags.seq !== undefined)
    throw new AuditError('usage', 'SEQ and --seq exclude each other')
  const chosen = seq ?? flags.seq
  if (chosen === undefined) throw new AuditError('usage', 'expected the seq of a row: audit get SEQ')
  const options = { seq: parseSeq(chosen), from: parseFrom(parsed, file), json: flags.json }
  return { options, target: parseProofTarget(flags, options) }
}
