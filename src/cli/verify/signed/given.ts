import { AuditError } from '../../../base/errors.js'
import { readUpTo } from '../../../base/files/read-input.js'
import type { KeyRoot } from '../../../chain/log/key-book.js'
import { type KeyStatement, parseKeyStatement } from '../../../chain/log/key-statement.js'
import { parseOrigin } from '../../../chain/log/origin.js'
import { PROOF_LIMITS } from '../../../chain/note/tlog-proof.js'
import { PLATFORM_ANCHOR } from '../../../chain/uuid.js'
import { PROOF_TOOLS } from '../../../compose/read/proof.js'
import { readCheckpointFile } from '../../../verify/signed/checkpoint-file.js'
import type { GivenCheckpoint } from '../../../verify/signed/given-notes.js'
import { safe } from '../../output/safe-text.js'

/** A key statement that the command names, with its path. Its signature was not checked. */
export interface GivenStatement {
  readonly path: string
  readonly statement: KeyStatement
}

/** What the files of `--checkpoint` hold. */
export interface GivenFiles {
  readonly checkpoints: readonly GivenCheckpoint[]
  readonly statements: readonly GivenStatement[]
}

/** Reads the files of `--checkpoint`. Rejects with `file_unreadable` and `checkpoint_malformed`. */
export async function readGiven(paths: readonly string[]): Promise<GivenFiles> {
  const files = await Promise.all(paths.map(readOne))
  return {
    checkpoints: files.filter((one) => 'file' in one),
    statements: files.filter((one) => 'statement' in one),
  }
}

async function readOne(path: string): Promise<GivenCheckpoint | GivenStatement> {
  const bytes = await readUpTo(PROOF_LIMITS.bytes, path)
  const statement = parseKeyStatement(Buffer.from(bytes).toString('utf8'))
  if (statement !== undefined) return { path, statement }
  const file = readCheckpointFile(bytes, PROOF_TOOLS)
  if ('problem' in file) throw malformed(path, file.problem)
  return { path, file }
}

/** The rows that a run reads. */
interface RunRows {
  readonly chain: string | 'all'
  readonly fromSeq?: number | undefined
  readonly toSeq?: number | undefined
  /** Whether checkpoints of the platform chain are read for their witnesses. */
  readonly readsWitnesses: boolean
}

/** Throws `checkpoint_malformed` for the key statement of another log than the run is about. */
export function assertOfLog(statements: readonly GivenStatement[], root: KeyRoot): void {
  const logs = logNamesOf(root)
  const other = statements.find(({ statement: { origin } }) => !isAmong(logs, parseOrigin(origin)?.logName))
  if (other !== undefined) throw outside(other.path, other.statement.origin)
}

/** Returns the names of the logs with a known key; none where the log itself says which key is its own. */
function logNamesOf({ keys }: KeyRoot): ReadonlySet<string | undefined> {
  return new Set(keys.map(({ name }) => parseOrigin(name)?.logName))
}

function isAmong(logs: ReadonlySet<string | undefined>, logName: string | undefined): boolean {
  return logs.size === 0 || logs.has(logName)
}

/**
 * Throws `checkpoint_malformed` for a checkpoint of another log or chain than the run is about, and `usage` for one that lies outside
 * the rows that are read.
 */
export function assertInRun(given: readonly GivenCheckpoint[], run: RunRows, root: KeyRoot): void {
  const logs = logNamesOf(root)
  for (const { path, file } of given) {
    const isOfLog = isAmong(logs, file.logName)
    const isOfPlatform = file.domainId === PLATFORM_ANCHOR && run.readsWitnesses
    const isOfChain = run.chain === 'all' || run.chain === file.domainId || isOfPlatform
    if (!isOfLog || !isOfChain || file.incarnation !== 1) throw outside(path, file.origin)
    if (file.domainId === run.chain || run.chain === 'all') assertInRows({ path, file }, run)
  }
}

/** Throws `checkpoint_malformed` for a checkpoint of another chain than the only one of a run. */
export function assertOfChain(given: readonly GivenCheckpoint[], domainId: string): void {
  const other = given.find(({ file }) => file.domainId !== domainId)
  if (other !== undefined) throw outside(other.path, other.file.origin)
}

function outside(path: string, origin: string): AuditError {
  return malformed(path, safe`it is of ${origin}, which this run does not verify`)
}

function assertInRows({ path, file }: GivenCheckpoint, { fromSeq = 1, toSeq }: RunRows): void {
  const isAfter = toSeq !== undefined && file.size > toSeq
  const isBefore = file.size < fromSeq - 1 || (file.entryHash === undefined && fromSeq > 1)
  if (!isAfter && !isBefore) return
  throw new AuditError(
    'usage',
    safe`--checkpoint ${path}: it is about rows 1 to ${String(file.size)}, which lie outside the segment`,
    { advice: { code: 'pin_within_segment' } },
  )
}

/** Throws for a checkpoint with an invalid line by a known key. */
export function refuseInvalid({ path }: GivenCheckpoint): never {
  throw malformed(path, 'a signature by a known key is not valid')
}

function malformed(path: string, problem: string): AuditError {
  return new AuditError('checkpoint_malformed', safe`--checkpoint ${path}: ${problem}`)
}
