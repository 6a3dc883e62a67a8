import { isInterruption } from '../shell/interruption.js'
import { interruptedText, progressLine, type StoppedWork, type WorkProgress } from './progress-line.js'
import { canRedraw, screenOf } from './screen.js'
import { note } from './streams.js'

export interface Progress {
  /** Stores the numbers; cheap, because the view reads them on its own schedule. */
  update(progress: WorkProgress): void
  /** Clears the line, once. Await it before writing anything else. */
  stop(): Promise<void>
}

/** Milliseconds after the start of the program at which a line is shown: a short command neither loads ink nor flickers. */
const SHOWN_AT = 400
/** Milliseconds of the work itself before a line is shown. */
const LEAST_DELAY = 100

const SILENT = { update: () => undefined, stop: async () => undefined } satisfies Progress

const active = new Set<Progress>()

/**
 * Shows the progress of `work` on stderr if stderr is a terminal, and clears it before resolving. When a signal stops the
 * work, notes how far it came.
 */
export async function withProgress<T>(
  label: string,
  work: (onProgress: (progress: WorkProgress) => void) => Promise<T>,
  kind: StoppedWork = 'answer',
): Promise<T> {
  const progress = startProgress(label)
  let latest: WorkProgress = { rows: 0 }
  const shown = async () => {
    try {
      return await work((at) => {
        latest = at
        progress.update(at)
      })
    } finally {
      await progress.stop()
    }
  }
  return notingStop(label, () => latest, shown, kind)
}

/** Does work that shows no progress. When a signal stops it, notes how far it came. */
export async function notingStop<T>(
  label: string,
  progress: () => WorkProgress,
  work: () => Promise<T>,
  kind: StoppedWork = 'answer',
): Promise<T> {
  try {
    return await work()
  } catch (error) {
    if (isInterruption(error)) note(interruptedText(label, progress(), kind))
    throw error
  }
}

/** Starts to show rows, rate and time left on stderr if it is a terminal; shows nothing in a pipe. */
function startProgress(label: string): Progress {
  // ink clears the whole screen, scrollback included, of a terminal that reports no rows.
  if (!canRedraw(process.stderr)) return SILENT
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
  const { unicode } = screenOf(process.stderr)
  let latest: WorkProgress = { rows: 0 }
  const line = () => progressLine(label, latest, (performance.now() - startedAt) / 1000, unicode)
  let hide: (() => void) | undefined
  let stopped = false
  const show = async () => {
    hide = showPlain(line())
    const { showProgress } = await import('./progress-view.js')
    if (stopped) return
    hide()
    hide = showProgress(line)
  }
  const timer = setTimeout(show, Math.max(LEAST_DELAY, SHOWN_AT - startedAt))
  timer.unref()
  return {
    update(progress) {
      latest = progress
    },
    async stop() {
      clearTimeout(timer)
      stopped = true
      hide?.()
      hide = undefined
    },
  }
}

/** Shows a line until ink is loaded, which takes seconds on a busy machine. The returned function removes it. */
function showPlain(line: string): () => void {
  process.stderr.write(line.slice(0, process.stderr.columns - 1))
  return () => void process.stderr.write('\r\u001b[K')
}
