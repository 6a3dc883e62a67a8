import { EventEmitter } from 'node:events'
import { Box, type Key as InkKey, type Instance, render, Text, useInput } from 'ink'
import type { Key, KeyName } from './model/event.js'

interface ViewProps {
  /** The lines of the screen, with the codes of their looks. */
  readonly lines: readonly string[]
  readonly onKey: (key: Key) => void
}

export interface MountedView {
  show(lines: readonly string[]): void
  unmount(): void
}

/**
 * Shows lines with ink, which reads the keys of stdin. ink itself writes no codes to the terminal: it would erase the lines that
 * scrolled off the screen. Its frames are passed to `draw`.
 */
export function mountView(
  props: ViewProps,
  draw: (lines: readonly string[]) => void,
  size: () => Size,
): MountedView {
  const stdout = new FrameStream(draw, size) as unknown as NodeJS.WriteStream
  const instance: Instance = render(<Lines {...props} />, {
    stdout,
    stdin: process.stdin,
    // With debug, ink writes each frame as a whole.
    debug: true,
    // Ctrl-C is a key here; the program turns it into its signal.
    exitOnCtrlC: false,
    patchConsole: false,
  })
  return {
    show: (lines) => instance.rerender(<Lines lines={lines} onKey={props.onKey} />),
    unmount: () => instance.unmount(),
  }
}

interface Size {
  readonly columns: number
  readonly rows: number
}

/** The stream that ink writes its frames to. */
class FrameStream extends EventEmitter {
  constructor(
    readonly draw: (lines: readonly string[]) => void,
    readonly size: () => Size,
  ) {
    super()
  }

  get columns(): number {
    return this.size().columns
  }

  get rows(): number {
    return this.size().rows
  }

  write(frame: string): boolean {
    this.draw(frame.split('\n'))
    return true
  }
}

function Lines({ lines, onKey }: ViewProps) {
  useInput((input, key) => {
    for (const one of keysOf(input, key)) onKey(one)
  })
  return (
    <Box flexDirection="column">
      {lines.map((text, index) => (
        // biome-ignore lint/suspicious/noArrayIndexKey: a line of the screen is its place.
        <Text key={index} wrap="truncate">
          {text === '' ? ' ' : text}
        </Text>
      ))}
    </Box>
  )
}

const NAMED: readonly (readonly [keyof InkKey, KeyName])[] = [
  ['upArrow', 'up'],
  ['downArrow', 'down'],
  ['leftArrow', 'left'],
  ['rightArrow', 'right'],
  ['pageUp', 'page-up'],
  ['pageDown', 'page-down'],
  ['home', 'home'],
  ['end', 'end'],
  ['return', 'enter'],
  ['escape', 'escape'],
  ['backspace', 'backspace'],
  ['delete', 'backspace'],
  ['tab', 'tab'],
]

/** Returns the keys of one input. Keys that are typed fast, and pasted text, come as several characters. */
function keysOf(input: string, key: InkKey): Key[] {
  const named = NAMED.find(([flag]) => key[flag] === true)
  if (named !== undefined) return [{ name: named[1] }]
  if (key.ctrl) return CONTROLS[input] ?? []
  return [...input].flatMap((char): Key[] => {
    if (char === '\r' || char === '\n') return [{ name: 'enter' }]
    return /\p{C}/u.test(char) ? [] : [{ char }]
  })
}

const CONTROLS: Readonly<Record<string, readonly Key[] & Key[]>> = {
  c: [{ name: 'ctrl-c' }],
  u: [{ name: 'ctrl-u' }],
  d: [{ name: 'page-down' }],
  b: [{ name: 'page-up' }],
  f: [{ name: 'page-down' }],
}
