import { AuditError } from '../base/errors.js'
import type { Finding } from '../chain/finding.js'
import { type SignerState, signerStateText } from '../chain/log/signer-state.js'
import type { ChainRows, SignedHead } from '../ports/signer.js'
import { type ChainWork, recordedKey } from './chain-work.js'
import type { SigningStep } from './deps.js'
import { type Grown, TreeGrower, tileStart } from './grow-tree.js'
import { keepAgain, keepCheckpoint, keepStatement } from './keep.js'
import { judgeObject } from './last-object.js'
import { type NotSignedReason, Refusal, reasonOf } from './reasons.js'
import { resumed } from './resume.js'
import { STEP_ROWS, signable } from './signable.js'
import { signedNote } from './signed-note.js'
import { assertStored } from './signed-rows-stay.js'
import { storeTiles } from './store-tiles.js'

/** What became of one chain in a pass. */
export interface ChainSigned {
  readonly domainId: string
  /** How many rows are signed now; 0 where none is. */
  readonly size: number
  /** How many of them were signed by this pass. */
  readonly rows: number
  /** Why rows of the chain are not signed; absent where every archived row is, and for a row that this program cannot judge. */
  readonly reason?: NotSignedReason | undefined
  /** The reason in words, with the sizes or the objects that were compared. */
  readonly message?: string | undefined
  /** The failure behind the reason. */
  readonly error?: unknown
  /** What the signer found. */
  readonly findings: readonly Finding[]
}

/** The result of one chain, with the head that the next row is to name. */
export interface ChainOutcome {
  readonly result: ChainSigned
  /** The newest head that was signed; absent where the index has it already. */
  readonly head?: SignedHead | undefined
}

/**
 * Signs one chain as far as it can be signed (tlog.md, section 7, the steps 1 to 6). A head that was promised before, and is not in
 * the index, is signed again with the same bytes. Rejects where PostgreSQL fails; everything else is part of the result.
 */
export async function signChain(work: ChainWork): Promise<ChainOutcome> {
  return new ChainSigner(work).run()
}

class ChainSigner {
  readonly #work: ChainWork
  #state: SignerState | undefined
  #head: SignedHead | undefined
  /** The size that is signed: a record alone is a promise. */
  #size = 0
  /** How many rows this pass signed. */
  #rows = 0

  constructor(work: ChainWork) {
    this.#work = work
  }

  async run(): Promise<ChainOutcome> {
    try {
      await this.#start()
      await this.#lookAtMirror()
      while (!this.#work.signal.aborted && (await this.#step()));
      return this.#outcome({})
    } catch (error) {
      const refused = refusedBy(error, this.#work.chain.domainId)
      if (refused === undefined) throw error
      return this.#outcome(refused)
    }
  }

  #outcome(refused: Partial<ChainSigned>): ChainOutcome {
    const { domainId } = this.#work.chain
    const result = { findings: [], ...refused, domainId, size: this.#size, rows: this.#rows }
    return this.#head === undefined ? { result } : { result, head: this.#head }
  }

  /** Reads what was promised last, and keeps the promise again where the index does not show that it was kept. */
  async #start(): Promise<void> {
    const { state, namedSize } = await resumed(this.#work)
    this.#state = state
    if (state === undefined) return
    this.#size = Math.min(namedSize, state.size)
    // A kept checkpoint that is there shows that the promise was kept, although no row names the head yet.
    const isNew = state.size > namedSize && (await this.#publish(state))
    if (isNew) this.#rows += state.size - namedSize
    this.#size = state.size
  }

  /** At a start, makes the objects again that the mirror lacks. Without them nothing is unsigned, so a failure waits for the next start. */
  async #lookAtMirror(): Promise<void> {
    if (!this.#work.isStart || this.#state === undefined) return
    try {
      await keepAgain(this.#work, this.#state)
    } catch (error) {
      if (refusedBy(error, this.#work.chain.domainId) === undefined) throw error
    }
  }

  /** Signs up to the end of one step. Returns whether more rows may follow. Throws a Refusal where the rows that follow are not signed. */
  async #step(): Promise<boolean> {
    const size = this.#state?.size ?? 0
    if (this.#work.growth.lastSeq <= size) return false
    const { grown, isHeld } = await this.#grow(size)
    await this.#done('folded')
    if (grown.tree !== undefined && !(await this.#sign(grown))) return true
    this.#assertNothingWrong(grown, isHeld)
    return grown.tree !== undefined && grown.tree.size === size + STEP_ROWS
  }

  /** Step 1: folds the rows after the last signed one, in one snapshot. */
  async #grow(size: number): Promise<{ grown: Grown; isHeld: boolean }> {
    const { deps, chain, growth, signal } = this.#work
    const { domainId } = chain
    const cap = Math.min(growth.lastSeq, size + STEP_ROWS)
    const fromSeq = Math.floor(tileStart(cap)) > tileStart(size) ? tileStart(size) : size + 1
    const snapshot = await deps.rows.snapshot({ domainId, fromSeq, toSeq: cap }, signal)
    try {
      return await this.#fold(snapshot, size, cap)
    } finally {
      await snapshot.close()
    }
  }

  async #fold(snapshot: ChainRows, size: number, cap: number): Promise<{ grown: Grown; isHeld: boolean }> {
    const { deps, chain, holes } = this.#work
    if (snapshot.isRestoring) throw new Refusal('restoring', `chain ${chain.domainId} is being restored`)
    const { to, isHeld } = signable(snapshot, size, cap, holes)
    const { domainId } = chain
    const grower = new TreeGrower({ domainId, from: this.#state, to, holes, hasher: deps.hasher })
    if (to > size) {
      const entryHashes = await addRows(grower, snapshot, size)
      if (this.#state !== undefined && entryHashes.length > 0)
        assertStored(domainId, this.#state, { ...snapshot, entryHashes, nextPrevHashes: [] })
    }
    return { grown: grower.finish(), isHeld }
  }

  /** Steps 2 to 6. Returns false where another signer was faster: then its record is the one to continue from. */
  async #sign(grown: Grown): Promise<boolean> {
    const { key } = this.#work
    const { tree } = grown
    if (tree === undefined) return true
    recordedKey(this.#work, tree.size)
    const problem = await judgeObject(this.#work, tree)
    if (problem !== undefined) throw new Refusal(problem.reason, problem.message, problem)
    await this.#done('object_read')
    await storeTiles(this.#work, grown)
    await this.#done('tiles_stored')
    const state = { ...tree, origin: key.origin, k: this.#state === undefined ? 0 : this.#state.k + 1 }
    const isOurs = await this.#create(state)
    if (!isOurs) {
      await this.#start()
      return false
    }
    await this.#done('record_created')
    this.#state = state
    await this.#publish(state)
    this.#rows += state.size - this.#size
    this.#size = state.size
    return true
  }

  async #create(state: SignerState): Promise<boolean> {
    const { states } = this.#work.deps
    try {
      return await states.create(state.origin, { k: state.k, text: signerStateText(state) })
    } catch (error) {
      if (!(error instanceof AuditError) || error.code !== 'signer_state_missing') throw error
      throw new Refusal('state_unwritable', error.message, { cause: error })
    }
  }

  /** Steps 5 and 6: signs a head that was promised, and creates its objects. Returns whether they were not there. */
  async #publish(state: SignerState): Promise<boolean> {
    const { deps, chain, key, growth, signal } = this.#work
    const { domainId } = chain
    const recorded = recordedKey(this.#work, state.size)
    const note = signedNote(state, key, recorded.key)
    await this.#done('signed')
    const store = await this.#work.mirror()
    const isNew = await keepCheckpoint(state, note, domainId, store, signal)
    await this.#done('checkpoint_kept')
    // The first signature of a key: an earlier key may have signed up to where its range begins.
    if (recorded.fromSize >= growth.indexedSize)
      await keepStatement(chain, recorded, deps.keys, store, signal)
    await this.#done('statement_kept')
    const { size, root, lastEntryHash: entryHash } = state
    this.#head = { ...chain, size, root, entryHash, note }
    return isNew
  }

  #assertNothingWrong({ findings, unchecked, tree }: Grown, isHeld: boolean): void {
    const { domainId } = this.#work.chain
    const size = tree?.size ?? this.#state?.size ?? 0
    const [first] = findings
    if (first !== undefined) {
      const message = `chain ${domainId}: row ${first.seqFrom} has a finding (${first.code}): ${first.detail}; rows 1 to ${size} are signed`
      throw new Refusal('findings', message, { findings })
    }
    if (unchecked !== undefined) {
      throw new AuditError(
        'generation_unknown',
        `chain ${domainId}: row ${unchecked} is of a generation that this program does not know`,
        { advice: { code: 'upgrade' } },
      )
    }
    if (isHeld && this.#work.isHeld !== false) {
      const message = `chain ${domainId}: the archiver holds row ${size + 1} back, so only rows 1 to ${size} are signed`
      throw new Refusal('rows_held', message)
    }
  }

  async #done(step: SigningStep): Promise<void> {
    await this.#work.deps.afterStep?.(step, this.#work.chain.domainId)
  }
}

/** Adds the rows of a snapshot to a tree. Returns the entry_hash of each row `size`, the last one that was signed. */
async function addRows(grower: TreeGrower, snapshot: ChainRows, size: number): Promise<readonly string[]> {
  const entryHashes: string[] = []
  for await (const rows of snapshot.rows()) {
    for (const row of rows) {
      if (row.seq === size) entryHashes.push(row.entryHash ?? '')
      grower.add(row)
    }
    if (grower.isOver) break
  }
  return entryHashes
}

/** Returns the result of a chain that was not signed because of an error; undefined for an error that is about no single chain. */
export function refusedBy(error: unknown, domainId: string): ChainSigned | undefined {
  const reason = reasonOf(error)
  if (!(error instanceof Error) || (reason === undefined && !isOfRow(error))) return undefined
  const findings = error instanceof Refusal ? error.findings : []
  return { domainId, size: 0, rows: 0, findings, message: error.message, error, ...(reason && { reason }) }
}

/** Returns whether an error is about a row that this program cannot judge, and so about no other chain. */
function isOfRow(error: Error): boolean {
  return error instanceof AuditError && ['generation_unknown', 'entry_malformed'].includes(error.code)
}
