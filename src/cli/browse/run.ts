import { stripVTControlCharacters } from 'node:util'
import { divertNotes } from '../output/streams.js'
import type { BrowseData } from './data.js'
import { firstState } from './first-state.js'
import type { BrowseEvent } from './model/event.js'
import { type State, viewOf } from './model/state.js'
import { update } from './model/update.js'
import { JobRunner } from './runner.js'
import { Terminal } from './terminal.js'
import type { MountedView } from './view.js'
import { ansiOf } from './views/ansi.js'
import { frameOf } from './views/frame.js'

export interface BrowseOptions {
  /** The chain to open; absent: the list of the chains. */
  readonly domainId?: string | undefined
  readonly color: boolean
  readonly unicode: boolean
}

/** Milliseconds until keys are read, where the first rows take longer. */
const INPUT_AFTER = 300

/**
 * Runs the browser until it is left. The first frame is drawn before anything is read. Rejects with the error of the first
 * read, so that a browser that can show nothing ends as the other commands do; later errors are shown.
 */
export async function runBrowse(
  options: BrowseOptions,
  data: BrowseData,
  signal: AbortSignal,
): Promise<void> {
  const browser = new Browser(options, data)
  browser.open()
  const stop = () => browser.end()
  signal.addEventListener('abort', stop)
  try {
    await browser.ended
  } finally {
    signal.removeEventListener('abort', stop)
    browser.close()
  }
}

class Browser {
  readonly #terminal = new Terminal(process.stdout)
  readonly #runner: JobRunner
  readonly #color: boolean
  readonly #notes: string[] = []
  readonly #onResize = () => this.#resize()
  readonly #onExit = () => this.close()
  #state: State
  #view: MountedView | undefined
  #isShown = false
  #isClosed = false
  #isMounting = false
  #mounting: NodeJS.Timeout | undefined
  #end: () => void = () => undefined
  #fail: (error: unknown) => void = () => undefined
  readonly ended: Promise<void>

  constructor({ domainId, color, unicode }: BrowseOptions, data: BrowseData) {
    this.#color = color
    this.#state = firstState(data, { size: this.#terminal.size, unicode, domainId })
    this.ended = new Promise((resolve, reject) => {
      this.#end = resolve
      this.#fail = reject
    })
    this.#runner = new JobRunner(
      data,
      (event) => this.#dispatch(event),
      (error) => this.#fail(error),
    )
  }

  open(): void {
    divertNotes((line) => this.#note(line))
    // Also when the program crashes: an exit leaves a terminal without echo otherwise.
    process.on('exit', this.#onExit)
    process.stdin.setRawMode(true)
    process.stdin.on('end', this.#end)
    process.stdout.on('resize', this.#onResize)
    this.#terminal.enter()
    this.#draw()
    this.#runner.sync(this.#state.jobs)
    this.#mounting = setTimeout(() => void this.#mount(), INPUT_AFTER)
  }

  /** Loads ink, once. It takes longer than to read the first rows, so these come first. The terminal keeps keys meanwhile. */
  async #mount(): Promise<void> {
    if (this.#isMounting) return
    this.#isMounting = true
    clearTimeout(this.#mounting)
    try {
      const { mountView } = await import('./view.js')
      if (this.#isClosed) return
      const onKey = (key: Extract<BrowseEvent, { kind: 'key' }>['key']) =>
        this.#dispatch({ kind: 'key', key })
      this.#view = mountView(
        { lines: this.#lines(), onKey },
        (lines) => this.#terminal.draw(lines),
        () => this.#terminal.size,
      )
    } catch (error) {
      this.#fail(error)
    }
  }

  end(): void {
    this.#end()
  }

  /** Puts the terminal back, and then prints the notes that came meanwhile. */
  close(): void {
    if (this.#isClosed) return
    this.#isClosed = true
    clearTimeout(this.#mounting)
    this.#runner.sync({})
    process.off('exit', this.#onExit)
    process.stdout.off('resize', this.#onResize)
    process.stdin.off('end', this.#end)
    this.#terminal.leave()
    this.#view?.unmount()
    process.stdin.setRawMode(false)
    process.stdin.pause()
    divertNotes(undefined)
    for (const line of this.#notes) process.stderr.write(`${line}\n`)
  }

  #dispatch(event: BrowseEvent): void {
    if (this.#isClosed) return
    if (event.kind === 'failed' && !this.#isShown && event.of === viewOf(this.#state).kind) {
      this.#fail(event.error)
      return
    }
    this.#state = update(this.#state, event)
    this.#isShown ||= hasContent(this.#state)
    if (this.#isShown) setImmediate(() => void this.#mount())
    this.#runner.sync(this.#state.jobs)
    if (this.#state.isDone) this.#leave(event)
    else this.#draw()
  }

  /** Ctrl-C is a key while the terminal is raw; for the program it stays the signal. */
  #leave(event: BrowseEvent): void {
    const isInterrupt = event.kind === 'key' && 'name' in event.key && event.key.name === 'ctrl-c'
    if (isInterrupt) process.kill(process.pid, 'SIGINT')
    else this.#end()
  }

  #note(line: string): void {
    this.#notes.push(line)
    this.#dispatch({ kind: 'note', text: stripVTControlCharacters(line) })
  }

  #resize(): void {
    this.#terminal.forget()
    this.#dispatch({ kind: 'resize', size: this.#terminal.size })
  }

  #draw(): void {
    const lines = this.#lines()
    if (this.#view === undefined) this.#terminal.draw(lines)
    else this.#view.show(lines)
  }

  #lines(): string[] {
    return frameOf(this.#state).map((one) => ansiOf(one, this.#color))
  }
}

/** Returns whether the visible view has something to show. */
function hasContent(state: State): boolean {
  const view = viewOf(state)
  return view.kind === 'rows' ? view.window !== undefined : state.chains !== undefined
}
