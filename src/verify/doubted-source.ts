import type { AuditError } from '../base/errors.js'
import type { EntrySource, Scan, ScanProgress, ScanRequest } from '../ports/verify.js'

/** A source whose scans have doubts that other records give reason for. They are reported beside its findings. */
export class DoubtedSource implements EntrySource {
  constructor(
    readonly source: EntrySource,
    readonly doubts: readonly AuditError[],
  ) {}

  get name(): EntrySource['name'] {
    return this.source.name
  }

  get mirror(): string | undefined {
    return this.source.mirror
  }

  get keepsHead(): boolean {
    return this.source.keepsHead
  }

  async scan(request: ScanRequest, progress: (p: ScanProgress) => void, signal: AbortSignal): Promise<Scan> {
    const scan = await this.source.scan(request, progress, signal)
    return { ...scan, doubts: [...(scan.doubts ?? []), ...this.doubts] }
  }
}
