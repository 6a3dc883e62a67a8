/** The line of a row, piece by piece (docs/evidence.md, "A row"): ASCII, in this order and no other. */
export const LINE = {
  seq: Buffer.from('{"seq":'),
  prev: Buffer.from(',"prev_hash":"'),
  entry: Buffer.from('","entry_hash":"'),
  canonical: Buffer.from('","canonical_bytes":"'),
  end: Buffer.from('"}'),
} as const

export const NEWLINE = 0x0a
