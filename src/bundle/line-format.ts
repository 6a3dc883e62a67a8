/** The parts of a row's line, in this order and in ASCII (docs/evidence.md, "A row"). */
export const LINE = {
  seq: Buffer.from('{"seq":'),
  prev: Buffer.from(',"prev_hash":"'),
  entry: Buffer.from('","entry_hash":"'),
  canonical: Buffer.from('","canonical_bytes":"'),
  end: Buffer.from('"}'),
} as const

export const NEWLINE = 0x0a
