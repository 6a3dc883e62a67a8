import type { Context } from '../../../compose/context.js'
import { policyIn } from '../../../compose/sign/key-root.js'
import type { AxesContext } from '../../../verify/signed/axis.js'
import { type Conclusion, conclude, type VerdictWord } from '../../../verify/signed/conclusion.js'
import { requiredBy } from '../../../verify/signed/requirements.js'
import type { CosignedCheckpoint } from '../../../verify/signed/witnessing.js'
import type { SeenSignatures, Verdict } from '../../../verify/verdict.js'
import { note } from '../../output/streams.js'
import { EXIT, type ExitCode } from '../../shell/exit-codes.js'
import { machineClock } from '../machine-clock.js'
import { parseRequire } from './require.js'
import type { Concluded } from './text.js'

/** What the command says about signed heads. */
export interface ProofOptions {
  /** The axes that must be proven, as `--require` lists them. */
  readonly require?: string | undefined
  /** The paths of signed checkpoints. */
  readonly checkpoints?: readonly string[] | undefined
}

/** What one run requires, and what it has concluded about its chains. */
export class RunJudge {
  readonly #base: Pick<AxesContext, 'policy' | 'required'>
  /** Whether the run names a policy, requirements or checkpoints: then it always says what it concluded. */
  readonly #isAsked: boolean
  readonly #words = new Map<string, VerdictWord>()
  readonly #noted = new Set<string>()
  #hasSeen = false

  private constructor(base: Pick<AxesContext, 'policy' | 'required'>, isAsked: boolean) {
    this.#base = base
    this.#isAsked = isAsked
  }

  /** Rejects with `policy_invalid`, `file_unreadable` and `usage`, before anything is read. */
  static async open(context: Context, { require: list, checkpoints = [] }: ProofOptions): Promise<RunJudge> {
    const policy = await policyIn(context)
    const required = parseRequire(list, policy)
    const isAsked = policy !== undefined || list !== undefined || checkpoints.length > 0
    return new RunJudge({ policy, required }, isAsked)
  }

  /** Returns what follows from a verdict. `unusable`: why checkpoints that the command names prove nothing. `cosigned`: the checkpoints of the platform chain that count. */
  conclude(
    verdict: Verdict,
    unusable: readonly string[] = [],
    cosigned: readonly CosignedCheckpoint[] = [],
  ): Concluded {
    const now = machineClock()
    const conclusion = conclude(verdict, { ...this.#base, now, cosigned, unusable })
    this.#words.set(verdict.domainId, conclusion.word)
    this.#hasSeen ||= hasSeen(verdict.signatures)
    this.#noteForeign(verdict)
    return { conclusion, now }
  }

  /** Returns what JSON says of a verdict; undefined where the run neither asked nor has seen a signature of this chain. */
  jsonOf(verdict: Verdict, { conclusion }: Concluded): Conclusion | undefined {
    return this.#isAsked || hasSeen(verdict.signatures) ? conclusion : undefined
  }

  /** The words for the chains; undefined where the run neither asked nor has seen a signature. */
  get words(): ReadonlyMap<string, VerdictWord> | undefined {
    return this.#isAsked || this.#hasSeen ? this.#words : undefined
  }

  /** The exit code of the run by what it concluded: 1, 5 or 0. An error that was reported beside it may be worse than 5. */
  get exitCode(): ExitCode {
    const words = new Set(this.#words.values())
    if (words.has('diverged')) return EXIT.finding
    return words.has('unproven') ? EXIT.unproven : EXIT.done
  }

  /** Notes rows of the relations of signed rows that prove nothing, once a run, because all chains see the same rows. */
  #noteForeign({ domainId, signatures }: Verdict): void {
    const objects = signatures?.foreignObjects ?? 0
    const are = objects === 1 ? '1 object below' : `${objects} objects below`
    const what = objects === 1 ? 'is no checkpoint' : 'are no checkpoints'
    if (objects > 0) note(`note: ${are} tlog/${domainId}/ ${what} of this chain`)
    for (const [relation, rows] of signatures?.foreignRows ?? []) {
      if (this.#noted.has(relation)) continue
      this.#noted.add(relation)
      const what =
        rows === 1 ? `1 row of relation ${relation} is` : `${rows} rows of relation ${relation} are`
      note(`note: ${what} not the log's own`)
    }
  }
}

/** Returns what follows from a verdict of a run that requires nothing, such as a report. */
export function concludedAlone(verdict: Verdict): Concluded {
  const now = machineClock()
  return { conclusion: conclude(verdict, { required: requiredBy(undefined), now, cosigned: [] }), now }
}

/** Returns whether a run saw a signature of a chain, by a known key or another one. */
export function hasSeen(signatures: SeenSignatures | undefined): boolean {
  return signatures !== undefined && (signatures.newestSize !== undefined || signatures.unknownKeys.size > 0)
}
