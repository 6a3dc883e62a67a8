/** The public library: what services need to write audit rows in-process, and what a verifier is made of. */

export type { UncheckedEntry as NewEntry } from './append/input/input-line.js'
export type { Advice, AdviceCode } from './base/advice.js'
export { AuditError, ERROR_CODES, type ErrorCode } from './base/errors.js'
export { decodeCanonical, encodeCanonical } from './chain/canonical.js'
export type { ChainedEntry, ChainHead, Entry } from './chain/entry.js'
export { FINDING_CODES, type Finding, type FindingCode } from './chain/finding.js'
export { ChainFold, type FoldOptions, type FoldResult, type StoredRow } from './chain/fold.js'
export { FormatError } from './chain/format-error.js'
export { type Hasher, nobleHasher, pseudonym, ZERO_HASH } from './chain/hash.js'
export { LIMITS } from './chain/limits.js'
export { REASONS, type Reason } from './chain/reason.js'
export { formatTimestamp, parseTimestamp } from './chain/timestamp.js'
export { PLATFORM_ANCHOR } from './chain/uuid.js'
export { type AuditSink, type CreateSinkOptions, createSink } from './compose/create-sink.js'
export type { AuditEntry, AuditEntryList, AuditEntryProof } from './json/entry.js'
export type { WireFinding } from './json/finding.js'
export type { EvidentFinding } from './json/finding-evidence.js'
export type { FullVerifyResult } from './json/full-verify-result.js'
export type { VerifyResult } from './json/verify-result.js'
export type {
  CallerClient,
  DomainResolver,
  Placed,
  RecordedIn,
  RequestContext,
  SubjectPii,
} from './ports/append.js'
export type { Pepper } from './ports/pepper.js'
