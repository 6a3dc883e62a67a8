import type { AuditError } from '../../base/errors.js'
import { mirrorFailure } from '../../base/store-failure.js'
import type { EntrySource, Scan, ScanProgress, ScanRequest } from '../../ports/verify.js'
import { DoubtedSource } from '../doubted-source.js'

/**
 * Both copies of a chain. Where the mirror cannot be read and nothing was found before, PostgreSQL is judged alone, with the
 * mirror's error as a doubt: a mirror that is down hides no finding. The source then names PostgreSQL and no mirror.
 */
export class BothOrPostgres implements EntrySource {
  #source: EntrySource

  constructor(
    both: EntrySource,
    readonly postgres: EntrySource,
  ) {
    this.#source = both
  }

  get name(): EntrySource['name'] {
    return this.#source.name
  }

  get mirror(): string | undefined {
    return this.#source.mirror
  }

  get keepsHead(): boolean {
    return this.#source.keepsHead
  }

  async scan(request: ScanRequest, progress: (p: ScanProgress) => void, signal: AbortSignal): Promise<Scan> {
    try {
      return await this.#source.scan(request, progress, signal)
    } catch (error) {
      const broken: AuditError | undefined = mirrorFailure(error)
      if (broken === undefined || signal.aborted) throw error
      request.observer?.restart()
      this.#source = new DoubtedSource(this.postgres, [broken])
      return this.#source.scan(request, progress, signal)
    }
  }
}
