import type { AuditError } from '../../../base/errors.js'
import type { ReadRows } from './row-window.js'
import type { Chain, ChainEnd, Checked, JobKind, LeftOutRows, Problem, RowCopy, Size } from './state.js'
import type { Timeline } from './timeline.js'

export type KeyName =
  | 'up'
  | 'down'
  | 'left'
  | 'right'
  | 'page-up'
  | 'page-down'
  | 'home'
  | 'end'
  | 'enter'
  | 'escape'
  | 'backspace'
  | 'tab'
  | 'ctrl-c'
  | 'ctrl-u'

/** A key of the terminal: a named one, or the character that it types. */
export type Key = { readonly name: KeyName } | { readonly char: string }

/** What a job has read. Some jobs answer several times; `isLast` marks their last answer. */
export type Answer =
  | { readonly kind: 'chains'; readonly chains: readonly Chain[]; readonly doubts: readonly Problem[] }
  | { readonly kind: 'end'; readonly domainId: string; readonly end: ChainEnd; readonly isLast: boolean }
  | { readonly kind: 'rows'; readonly read: ReadRows }
  | { readonly kind: 'timeline'; readonly timeline: Timeline }
  | { readonly kind: 'left-out'; readonly leftOut: LeftOutRows }
  | { readonly kind: 'row'; readonly copies: readonly RowCopy[] }
  | { readonly kind: 'progress'; readonly rows: number; readonly total?: number | undefined }
  | { readonly kind: 'checked'; readonly checked: Checked }

export type BrowseEvent =
  | { readonly kind: 'key'; readonly key: Key }
  | { readonly kind: 'resize'; readonly size: Size }
  | { readonly kind: 'answer'; readonly id: number; readonly of: JobKind; readonly answer: Answer }
  | {
      readonly kind: 'failed'
      readonly id: number
      readonly of: JobKind
      readonly problem: Problem
      readonly error: AuditError
    }
  /** A note of the program, such as the start of a server. */
  | { readonly kind: 'note'; readonly text: string }

/** Returns the events for keys written as text, for tests and documentation: `j`, `enter`. */
export function keyOf(text: string): Key {
  return [...text].length === 1 ? { char: text } : { name: text as KeyName }
}
