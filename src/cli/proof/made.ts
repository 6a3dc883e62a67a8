import { PLATFORM_ANCHOR } from '../../chain/uuid.js'
import type { MadeProof, RowToProve } from '../../proof/make-proof.js'
import type { Cell } from '../output/table.js'
import { quoted } from '../shell/mirror-words.js'
import type { ProofTarget } from './get-flags.js'

/** The document that `get --proof FILE --json` prints. */
export function madeJson(
  path: string,
  { domainId, seq, entryHash }: RowToProve,
  { bare }: Pick<ProofTarget, 'bare'>,
  { size, log }: MadeProof,
): object {
  return {
    file: path,
    bare,
    domain_id: domainId,
    seq,
    entry_hash: entryHash,
    signed: { origin: log.name, key_id: log.id, size },
  }
}

/** Returns the lines that `get --proof FILE` prints, one field on each. */
export function madeFields(
  path: string,
  { domainId, seq, entryHash }: RowToProve,
  { bare }: Pick<ProofTarget, 'bare'>,
  { size, log }: MadeProof,
): readonly (readonly [string, Cell])[] {
  const entry = bare ? ` --entry ${entryHash}` : ''
  return [
    ['written', path],
    ['proves', `${bare ? 'the entry_hash of ' : ''}row ${seq} of ${domainId}`],
    ['entry_hash', entryHash],
    ['signed by', `${log.name} (key ${log.id}), over ${size} rows`],
    ['policy', `audit log policy${domainId === PLATFORM_ANCHOR ? '' : ` --domain ${domainId}`} > FILE`],
    ['check it', `audit verify-proof ${quoted(path)} --policy FILE${entry}`],
  ]
}
