import { readdirSync } from 'node:fs'
import { join, posix, sep } from 'node:path'

/** A pattern that no text may have, with texts that it must find and texts that only resemble them. */
export interface Rule {
  readonly name: string
  readonly pattern: RegExp
  readonly write: string
  readonly bad: readonly string[]
  readonly good: readonly string[]
}

/** Lines that a reader reads as one text: a comment, a paragraph, or code without an empty line in it. */
interface Passage {
  /** The lines without their comment marks, joined by one space each. */
  readonly text: string
  /** The number of the first line, from 1. */
  readonly line: number
  /** Where each line begins in the text. */
  readonly starts: readonly number[]
}

const FOLDERS = ['src', 'commands', 'test', 'bin', 'docs', '.ci']
const SINGLE = ['README.md', 'CHANGELOG.md', 'package.json', 'vitest.config.ts']
const READ_BY_PEOPLE = /\.(?:tsx?|m?js|json|md|txt|yml|py|zed)$|^\.ci\/run$/
const FOREIGN_OR_RULES = /\/node_modules\/|openapi\.json$|vectors\/|\/prose[\w-]*(?:\.unit\.test)?\.ts$/

/** Returns the files that a person reads: sources, tests, pages and the messages of CI. Needs no git. */
export function proseFiles(root: string): string[] {
  const inFolders = FOLDERS.flatMap((folder) =>
    readdirSync(join(root, folder), { recursive: true, encoding: 'utf8' }).map((name) =>
      posix.join(folder, name.split(sep).join('/')),
    ),
  )
  return [...inFolders, ...SINGLE].filter((file) => READ_BY_PEOPLE.test(file) && !FOREIGN_OR_RULES.test(file))
}

/** Returns the passages of a text. A phrase that is broken over two lines is whole in its passage. */
export function passagesOf(text: string): Passage[] {
  const passages: { text: string; line: number; starts: number[] }[] = []
  let before = ''
  for (const [i, raw] of text.split('\n').entries()) {
    const line = raw.trim()
    const last = passages.at(-1)
    if (last !== undefined && continues(before, line)) {
      last.starts.push(last.text.length + 1)
      last.text += ` ${withoutMark(line, before)}`
    } else if (line !== '') passages.push({ text: closed(line), line: i + 1, starts: [0] })
    before = line
  }
  return passages
}

/** Returns where a text breaks a rule, each with what to write instead. */
export function violations(file: string, passages: readonly Passage[], rule: Rule): string[] {
  return passages.flatMap(({ text, line, starts }) => {
    const found = rule.pattern.exec(text)
    if (found === null) return []
    const at = line + starts.filter((start) => start <= found.index).length - 1
    return [`${file}:${at} has "${found[0]}"; write: ${rule.write}`]
  })
}

function continues(before: string, line: string): boolean {
  if (before === '' || line === '' || before.endsWith('*/')) return false
  if (/^\*(?!\/)/.test(line)) return /^(?:\/\*|\*)/.test(before)
  return markOf(before) === markOf(line)
}

function markOf(line: string): string {
  return /^(?:\/\/|\/\*|#)/.exec(line)?.[0] ?? ''
}

/** Also joins a string that is written as `'one ' +` and `'two'`. */
function withoutMark(line: string, before: string): string {
  const isSameString = /['"`] \+$/.test(before)
  return closed(line.replace(isSameString ? /^['"`]/ : /^(?:\*(?!\/)|\/\/|#+)\s*/, ''))
}

function closed(line: string): string {
  return line.replace(/ ?['"`] \+$/, '').replace(/\s+/g, ' ')
}
