import { Writable } from 'node:stream'
import { expect, it } from 'vitest'
import { Output } from '../../src/cli/output/output.js'

it('passes lines to the stream at once when they are flushed, so that a note can follow them', async () => {
  const written: string[] = []
  const stream = new Writable({
    write: (chunk, _encoding, done) => {
      written.push(String(chunk))
      done()
    },
  })
  const out = new Output(stream)
  await out.line('a table')
  expect(written).toEqual([])
  out.flush()
  expect(written).toEqual(['a table\n'])
  await out.drained()
  expect(written.join('')).toBe('a table\n')
})
