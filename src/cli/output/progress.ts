import type { ScanProgress } from '../../ports/verify.js'

export interface Progress {
  /** Stores the numbers; cheap, because the view reads them on its own schedule. */
  update(progress: ScanProgress): void
  /** Clears the line, once. Await it before writing anything else. */
  stop(): Promise<void>
}

/** Milliseconds before anything is shown: a short command neither loads ink nor flickers. */
const DELAY = 400

const SILENT: Progress = { update: () => undefined, stop: async () => undefined }

const active = new Set<Progress>()

/** Shows the progress of `work` on stderr if stderr is a terminal, and clears it before resolving. */
export async function withProgress<T>(
  label: string,
  work: (onProgress: (progress: ScanProgress) => void) => Promise<T>,
): Promise<T> {
  const progress = startProgress(label)
  try {
    return await work((at) => progress.update(at))
  } finally {
    await progress.stop()
  }
}

/** Starts to show rows, rate and time left on stderr if it is a terminal; shows nothing in a pipe. */
function startProgress(label: string): Progress {
  // ink clears the whole screen, scrollback included, of a terminal that reports no rows.
  if (!process.stderr.isTTY || process.stderr.rows <= 1) return SILENT
  const progress = onTerminal(label)
  active.add(progress)
  return progress
}

/** Clears the progress at the end of a command, because a visible line keeps the process alive. */
export async function stopAllProgress(): Promise<void> {
  for (const progress of active) await progress.stop()
  active.clear()
}

function onTerminal(label: string): Progress {
  const startedAt = performance.now()
  let latest: ScanProgress = { rows: 0 }
  let shown: Promise<() => void> | undefined
  const timer = setTimeout(() => {
    shown = import('./progress-view.js').then(({ showProgress }) =>
      showProgress(() => progressLine(label, latest, (performance.now() - startedAt) / 1000)),
    )
  }, DELAY)
  timer.unref()
  return {
    update(progress) {
      latest = progress
    },
    async stop() {
      clearTimeout(timer)
      const hide = await shown
      shown = undefined
      hide?.()
    },
  }
}

/** Returns one line: rows so far, the rate since the start, and, if the total is known, the share and the time left. */
export function progressLine(label: string, { rows, total }: ScanProgress, seconds: number): string {
  const rate = seconds > 0 ? rows / seconds : 0
  const parts = [`${label} ${count(rows)}${total === undefined ? '' : ` of ${count(total)}`} rows`]
  if (total !== undefined && total > 0) parts.push(`${Math.min(100, Math.floor((100 * rows) / total))}%`)
  parts.push(`${count(rate)} rows/s`)
  if (total !== undefined && rate > 0) parts.push(`${duration((total - rows) / rate)} left`)
  return parts.join(', ')
}

function count(value: number): string {
  return Math.round(value).toLocaleString('en-US')
}

function duration(seconds: number): string {
  const whole = Math.max(0, Math.ceil(seconds))
  if (whole < 60) return `${whole} s`
  const [minutes, rest] = [Math.floor(whole / 60), whole % 60]
  return minutes < 60 ? `${minutes} min ${rest} s` : `${Math.floor(minutes / 60)} h ${minutes % 60} min`
}
