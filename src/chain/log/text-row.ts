import type { LogRow } from './log-rows.js'

/** A row whose items were read as lines of one text. They are split when somebody asks for them. */
export class TextRow implements LogRow {
  constructor(
    readonly seq: number,
    readonly relation: string,
    readonly object: string,
    /** The items, one on each line. */
    readonly text: string,
    /** How many items there are. */
    readonly count: number,
  ) {}

  /** No item of a signed row holds a newline, so a row with one has no items here, and is an ordinary row. */
  get relationPath(): readonly string[] {
    const items = this.text.split('\n')
    return items.length === this.count ? items : []
  }
}

/** Returns the items of a row, one on each line. */
export function itemLines(row: LogRow): string {
  return row instanceof TextRow ? row.text : row.relationPath.join('\n')
}
