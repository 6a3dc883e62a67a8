import type { Context } from '../../../compose/context.js'
import { PROOF_TOOLS } from '../../../compose/read/proof.js'
import { keyRootOf, policyIn } from '../../../compose/sign/key-root.js'
import type { RowObserver } from '../../../ports/verify.js'
import { ChainHeads } from '../../../verify/signed/chain-heads.js'
import type { GivenCheckpoint } from '../../../verify/signed/given-notes.js'
import type { HeadReader } from '../../../verify/signed/head-reader.js'
import { assertInRun, assertOfChain, assertOfLog, readGiven, refuseInvalid } from './given.js'
import type { ProofOptions } from './judge.js'

/** The rows that a run reads, and what the command names for them. */
export interface HeadsOptions extends ProofOptions {
  readonly chain: string | 'all'
  readonly fromSeq?: number | undefined
  readonly toSeq?: number | undefined
}

/** The signed heads of a run: read once before any chain, and the checkpoints that the command names. */
export class RunHeads {
  private constructor(
    readonly reader: HeadReader,
    readonly given: readonly GivenCheckpoint[],
    /** Whether the policy names witnesses. */
    readonly hasWitnesses: boolean,
  ) {}

  /**
   * Reads the checkpoints and key statements that the command names, and then the heads by `openReader`. Rejects with `file_unreadable`,
   * `checkpoint_malformed` and `usage` before it.
   */
  static async open(
    options: HeadsOptions,
    context: Context,
    openReader: () => Promise<HeadReader>,
  ): Promise<RunHeads> {
    const { checkpoints = [] } = options
    const { checkpoints: given, statements } = await readGiven(checkpoints)
    const readsWitnesses = ((await policyIn(context))?.witnesses.length ?? 0) > 0
    if (checkpoints.length > 0) {
      const root = await keyRootOf(context)
      assertInRun(given, { ...options, readsWitnesses }, root)
      assertOfLog(statements, root)
    }
    const reader = await openReader()
    reader.know(statements.map(({ statement }) => statement))
    return new RunHeads(reader, given, readsWitnesses)
  }

  /** The chains that the command names a checkpoint of. */
  get domainIds(): string[] {
    return this.given.map(({ file }) => file.domainId)
  }

  /** Returns the heads of a chain. Its mirror is read now. `observer` receives the rows beside what hashes the tree. */
  async of(domainId: string, observer: RowObserver | undefined, signal: AbortSignal): Promise<ChainHeads> {
    const stated = await this.reader.of(domainId, signal)
    const own = this.given.filter(({ file }) => file.domainId === domainId)
    return new ChainHeads(stated, own, { hasher: PROOF_TOOLS.treeHasher, observer, refuse: refuseInvalid })
  }

  /** Returns the heads of the one chain that a file holds. Throws `checkpoint_malformed` for a checkpoint of another chain. */
  ofOne(domainId: string, observer: RowObserver | undefined, signal: AbortSignal): Promise<ChainHeads> {
    assertOfChain(this.given, domainId)
    return this.of(domainId, observer, signal)
  }
}
