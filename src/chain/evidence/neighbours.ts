/** Rows that are shown before and after a finding. */
export const NEIGHBOURS = 2

/** Rows that a source can read again: the neighbours before a finding, and the row that the first of them links to. */
export const RECENT = NEIGHBOURS + 1
