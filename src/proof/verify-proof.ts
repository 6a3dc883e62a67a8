import { bytesToHex, hexToBytes } from '@noble/hashes/utils.js'
import { AuditError } from '../base/errors.js'
import { policyOf } from '../base/files/policy-file.js'
import { decodeCanonical } from '../chain/canonical.js'
import type { ChainedEntry } from '../chain/entry.js'
import { type Hasher, ZERO_HASH } from '../chain/hash.js'
import { type LeafExtra, parseLeafExtra } from '../chain/log/leaf-extra.js'
import { parseOrigin } from '../chain/log/origin.js'
import type { Policy } from '../chain/note/policy.js'
import { signersOf, type VerifySignature } from '../chain/note/signers.js'
import { parseTlogProof, type TlogProof } from '../chain/note/tlog-proof.js'
import type { VerifierKey } from '../chain/note/vkey.js'
import { rootOf } from '../chain/tree/inclusion.js'
import type { TreeHasher } from '../chain/tree/tree-hash.js'

/** The hashes and the signature check that a proof is verified with. */
export interface ProofTools {
  readonly hasher: Hasher
  readonly treeHasher: TreeHasher
  readonly verify: VerifySignature
}

/** The entry_hash of the expected row, 64 hex digits, or why the object that was given is not the row of the file. */
export type ExpectedRow = { readonly entryHash: string } | { readonly problem: string }

/** What a proof says: this row is in this tree. */
export interface ProvenRow {
  readonly domainId: string
  readonly seq: number
  readonly entryHash: string
  /** The row itself, where the file holds it. */
  readonly entry?: ChainedEntry | undefined
  /** The size of the signed tree. */
  readonly size: number
  /** The key of the log that signed it. */
  readonly log: VerifierKey
  /** The witnesses of the policy that signed it. */
  readonly witnesses: readonly VerifierKey[]
}

/** Why a file does not prove a row. None of these is a contradiction: this check has seen no log. */
export type Unproven = 'not_signed' | 'quorum_short' | 'wrong_row' | 'wrong_root'

export type ProofResult =
  | ({ readonly code: 'proven' } & ProvenRow)
  | { readonly code: Unproven; readonly problem: string }

/** A proof whose form and signatures are right. What it proves was not checked. */
export interface ReadProof {
  readonly domainId: string
  readonly seq: number
  readonly proof: TlogProof
  readonly policy: Policy
  /** The known keys that signed the checkpoint. */
  readonly signers: ReadonlySet<VerifierKey>
}

/** Reads a policy and a proof. Throws `policy_invalid` and `checkpoint_malformed`, in this order (tlog.md, section 10). */
export function readProof(file: Uint8Array, policyFile: Uint8Array, { verify }: ProofTools): ReadProof {
  const policy = policyOf(policyFile)
  const proof = readFile(file)
  const { origin } = proof.checkpoint
  const domainId = parseOrigin(origin)?.domainId
  if (domainId === undefined) throw malformed(`the origin ${JSON.stringify(origin)} names no chain`)
  const signers = signersOf(proof.note, [...policy.logs, ...policy.witnesses], verify)
  if (signers === undefined) throw malformed('a signature of a key in the policy is not valid')
  return { domainId, seq: proof.index + 1, proof, policy, signers: signers.known }
}

/**
 * Verifies a proof of a row, or of an entry_hash, without any copy of the log. `expected` is what it must prove; throws `usage` where
 * neither the file nor `expected` says what that is.
 */
export function verifyProof(
  read: ReadProof,
  expected: ExpectedRow | undefined,
  tools: ProofTools,
): ProofResult {
  const { proof, policy, signers } = read
  const { index, path, checkpoint } = proof
  const extra = proof.extra && parseLeafExtra(proof.extra)
  if (extra === undefined && expected === undefined)
    throw new AuditError('usage', 'the file holds neither a row nor an entry_hash', {
      advice: { code: 'name_proven_row' },
    })
  const log = policy.logs.find((key) => key.name === checkpoint.origin && signers.has(key))
  if (log === undefined)
    return unproven('not_signed', `no log of the policy has signed for ${checkpoint.origin}`)
  const witnesses = policy.witnesses.filter((key) => signers.has(key))
  if (!policy.isQuorum(signers))
    return unproven(
      'quorum_short',
      `the ${witnesses.length} witnesses that have signed are no quorum of the policy`,
    )
  const row = rowOf(read, extra, expected, tools.hasher)
  if ('problem' in row) return row
  const leafHash = tools.treeHasher.leaf(hexToBytes(row.entryHash))
  const root = rootOf({ leafHash, index, size: checkpoint.size, path }, tools.treeHasher)
  if (root === undefined || bytesToHex(root) !== bytesToHex(checkpoint.root))
    return unproven(
      'wrong_root',
      `the path does not lead from row ${read.seq} to the signed root of ${checkpoint.size} rows`,
    )
  return { code: 'proven', ...row, size: checkpoint.size, log, witnesses }
}

type Row = Pick<ProvenRow, 'domainId' | 'seq' | 'entryHash' | 'entry'>
type NoProof = { readonly code: Unproven; readonly problem: string }

/** Returns the row that the file is about, if it belongs to this chain and index, and is the expected one. */
function rowOf(
  { domainId, seq }: ReadProof,
  extra: LeafExtra | 'malformed' | undefined,
  expected: ExpectedRow | undefined,
  hasher: Hasher,
): Row | NoProof {
  if (expected !== undefined && 'problem' in expected) return unproven('wrong_row', expected.problem)
  const held = extra === undefined ? {} : heldRow(extra, hasher)
  const isHere = held !== 'malformed' && isRow(held.entry ?? { domainId, seq }, { domainId, seq })
  if (!isHere) return unproven('wrong_row', `the file does not hold row ${seq} of ${domainId}`)
  const entryHash = held.entryHash ?? expected?.entryHash ?? ''
  if (expected !== undefined && entryHash !== expected.entryHash)
    return unproven('wrong_row', `the file is about entry_hash ${entryHash}, not ${expected.entryHash}`)
  // The data of a row that was signed over. A tree holds it for rows that nobody could check.
  if (entryHash === ZERO_HASH)
    return unproven('wrong_row', `row ${seq} was signed over: the tree has a hole there`)
  return { domainId, seq, entryHash, ...(held.entry && { entry: held.entry }) }
}

type RowId = Pick<ReadProof, 'domainId' | 'seq'>

function isRow(row: RowId, { domainId, seq }: RowId): boolean {
  return row.domainId === domainId && row.seq === seq
}

type HeldRow = Partial<Pick<Row, 'entryHash' | 'entry'>>

/** Returns the row, or the entry_hash, that the file holds. */
function heldRow(extra: LeafExtra | 'malformed', hasher: Hasher): HeldRow | 'malformed' {
  if (extra === 'malformed') return 'malformed'
  if (extra.kind === 'leaf') return { entryHash: bytesToHex(extra.entryHash) }
  try {
    const prevHash = bytesToHex(extra.prevHash)
    const entryHash = hasher.entry(prevHash, extra.canonical)
    return { entryHash, entry: { ...decodeCanonical(extra.canonical), prevHash, entryHash } }
  } catch {
    // What is wrong with the bytes of a stranger is of no use.
    return 'malformed'
  }
}

const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })

function readFile(bytes: Uint8Array): TlogProof {
  try {
    const proof = parseTlogProof(utf8.decode(bytes))
    if (proof !== undefined) return proof
  } catch {
    // The file is not UTF-8, so it is no proof.
  }
  throw malformed('expected a tlog-proof: an index, a path and a signed checkpoint')
}

function malformed(problem: string): AuditError {
  return new AuditError('checkpoint_malformed', problem)
}

function unproven(code: Unproven, problem: string): NoProof {
  return { code, problem }
}
