import { render, Text } from 'ink'
import { useEffect, useState } from 'react'

/** Milliseconds between two updates. */
const INTERVAL = 200

/** Shows a line on stderr and updates it; the returned function removes it. */
export function showProgress(line: () => string): () => void {
  const view = render(<Line line={line} />, {
    // ink's name for where it draws; stdout is for data.
    stdout: process.stderr,
    stderr: process.stderr,
    // Ctrl-C is a signal to the whole program, and stdin may be the data.
    exitOnCtrlC: false,
    patchConsole: false,
  })
  return () => {
    view.clear()
    view.unmount()
  }
}

function Line({ line }: { readonly line: () => string }) {
  const [text, setText] = useState(line)
  useEffect(() => {
    const timer = setInterval(() => setText(line()), INTERVAL)
    return () => clearInterval(timer)
  }, [line])
  return <Text wrap="truncate">{text}</Text>
}
