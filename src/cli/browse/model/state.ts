import type { ReadTime } from '../../../base/wire-time.js'
import type { Finding } from '../../../chain/finding.js'
import type { ReadEntry } from '../../../ports/query.js'
import type { SourceName } from '../../../ports/verify.js'
import type { Verdict } from '../../../verify/verdict.js'
import type { Glyphs } from '../views/lines.js'
import type { LineFilter } from './filter-line.js'
import { type ListPosition, START } from './list-position.js'
import type { Timeline } from './timeline.js'

/** The size of the terminal in characters. */
export interface Size {
  readonly columns: number
  readonly rows: number
}

export interface Chain {
  readonly domainId: string
  readonly name?: string | undefined
}

/** What is known of the end of a chain. */
export interface ChainEnd {
  /** The seq of the last row; 0 for a chain without rows. */
  readonly lastSeq: number
  readonly lastRecorded?: ReadTime | undefined
}

/** A message of an error, with what to do next. */
export interface Problem {
  readonly message: string
  readonly hint?: string | undefined
}

/** What a verification of this session has shown. `unproven`: it could not check everything. */
export type Checked =
  | { readonly kind: 'verdict'; readonly verdict: Verdict; readonly doubts: readonly Problem[] }
  | { readonly kind: 'unproven'; readonly problem: Problem }

/** One copy of one row. */
export interface RowCopy {
  readonly copy: 'postgres' | 'mirror' | 'bundle'
  /** None where the copy has no such row; several where it is stored more than once. */
  readonly rows: readonly ReadEntry[]
  /** The bytes that are hashed, of a row that has them. */
  readonly canonicalBytes?: Uint8Array | undefined
  /** What is wrong, after "row N"; absent where the row recomputes. */
  readonly problem?: string | undefined
  /** Why the copy cannot be read. */
  readonly unread?: Problem | undefined
}

/** A row of the list. */
export interface ListedRow extends ReadEntry {
  /** The copy that has the row, where the first copy does not. */
  readonly onlyIn?: RowCopy['copy'] | undefined
}

/** Neighbouring rows of one chain that match a filter, ascending by seq. */
export interface RowWindow {
  readonly rows: readonly ListedRow[]
  /** Whether rows before and after the window may match. */
  readonly hasBefore: boolean
  readonly hasAfter: boolean
}

/** Rows that cannot be decoded, so that a filter left them out. */
export interface LeftOutRows {
  readonly rows: number
  /** What is wrong with the first one. */
  readonly first: string
}

/** Which rows to read: an end of the chain, the rows beside the window, or those around a seq or a time. */
export type Place =
  | { readonly at: 'first' | 'last' }
  | { readonly at: 'before' | 'after' | 'around'; readonly seq: number }
  | { readonly at: 'time'; readonly time: bigint }

/** What the data layer is to do. At most one job of each kind runs, and a newer one ends the older one. */
export type Job =
  | { readonly kind: 'chains' }
  | { readonly kind: 'ends'; readonly domainIds: readonly string[] }
  | { readonly kind: 'rows'; readonly domainId: string; readonly filter: LineFilter; readonly place: Place }
  | { readonly kind: 'timeline'; readonly domainId: string; readonly filter: LineFilter }
  | { readonly kind: 'row'; readonly domainId: string; readonly seq: number }
  | { readonly kind: 'verify'; readonly domainId: string }

export type JobKind = Job['kind']
export type JobOf<K extends JobKind> = Extract<Job, { kind: K }>

/** The jobs that run, each with a number that its answers carry. */
export type Jobs = { readonly [K in JobKind]?: { readonly id: number; readonly job: JobOf<K> } }

export interface ChainsView {
  readonly kind: 'chains'
  readonly position: ListPosition
}

export interface RowsView {
  readonly kind: 'rows'
  readonly domainId: string
  readonly filter: LineFilter
  /** The filter as it was typed. */
  readonly filterText: string
  /** Absent until the first rows are read. */
  readonly window?: RowWindow | undefined
  readonly position: ListPosition
  readonly timeline?: Timeline | undefined
  readonly leftOut?: LeftOutRows | undefined
}

export interface RowView {
  readonly kind: 'row'
  readonly domainId: string
  readonly seq: number
  readonly copies?: readonly RowCopy[] | undefined
  readonly top: number
  readonly encoding: 'hex' | 'base64'
}

export interface FindingsView {
  readonly kind: 'findings'
  readonly domainId: string
  readonly position: ListPosition
}

export interface HelpView {
  readonly kind: 'help'
  readonly top: number
}

export type View = ChainsView | RowsView | RowView | FindingsView | HelpView

/** A line that is being typed: a filter, or where to jump. */
export interface Prompt {
  readonly kind: 'filter' | 'jump'
  readonly text: string
  /** Why the text was refused. */
  readonly problem?: string | undefined
}

export interface Verifying {
  readonly domainId: string
  readonly rows: number
  readonly total?: number | undefined
  /** The chains that follow. */
  readonly queue: readonly string[]
}

export interface State {
  readonly size: Size
  readonly glyphs: Glyphs
  readonly source: SourceName
  /** What is read, for the first line: a URL without credentials, or the path of a file. */
  readonly place: string
  /** Absent until they are read. */
  readonly chains?: readonly Chain[] | undefined
  readonly ends: ReadonlyMap<string, ChainEnd>
  readonly checked: ReadonlyMap<string, Checked>
  readonly verifying?: Verifying | undefined
  /** The views that were opened, the visible one last. Never empty. */
  readonly views: readonly View[]
  readonly prompt?: Prompt | undefined
  /** The last thing that happened. */
  readonly message?: { readonly text: string; readonly look: 'plain' | 'good' | 'bad' | 'warn' } | undefined
  readonly jobs: Jobs
  /** The number of the next job. */
  readonly nextJob: number
  readonly isDone: boolean
}

/** Returns the visible view. */
export function viewOf({ views }: State): View {
  return views.at(-1) ?? { kind: 'chains', position: START }
}

/** Returns the state with another visible view. */
export function withView(state: State, view: View): State {
  return { ...state, views: [...state.views.slice(0, -1), view] }
}

/** Returns the state in which a job of this kind begins, and the job of the same kind before it ends. */
export function started(state: State, job: Job): State {
  const jobs = { ...state.jobs, [job.kind]: { id: state.nextJob, job } }
  return { ...state, jobs, nextJob: state.nextJob + 1 }
}

/** Returns the state in which no job of these kinds runs. */
export function stopped(state: State, ...kinds: readonly JobKind[]): State {
  const jobs = Object.fromEntries(
    Object.entries(state.jobs).filter(([kind]) => !kinds.includes(kind as JobKind)),
  )
  return { ...state, jobs }
}

/** Returns what a verification of this session has found in a chain. */
export function findingsOf({ checked }: Pick<State, 'checked'>, domainId: string): readonly Finding[] {
  const known = checked.get(domainId)
  return known?.kind === 'verdict' ? known.verdict.findings : []
}
