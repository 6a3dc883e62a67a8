/** The fixed ASCII text of a row's line, in order of appearance (docs/evidence.md, "A row"). */
export const LINE_TEXT = {
  seq: Buffer.from('{"seq":'),
  prev: Buffer.from(',"prev_hash":"'),
  entry: Buffer.from('","entry_hash":"'),
  canonical: Buffer.from('","canonical_bytes":"'),
  end: Buffer.from('"}'),
} as const

export const NEWLINE = 0x0a
