import { describe, expect, it } from 'vitest'
import { probeLogOf } from '../../src/cli/serve/log.js'

describe('the log of the probe', () => {
  it('writes domainId as domain_id, in its place among the fields', () => {
    const lines: string[] = []
    const write = (level: string) => (fields: unknown, message: string) =>
      void lines.push(JSON.stringify({ level, fields, message }))
    const log = probeLogOf({ info: write('info'), error: write('error') })
    log.error({ what: 'chain', domainId: 'd1', error: 'internal', stack: ['at f'] }, 'could not check')
    log.info({ what: 'chains' }, 'can check again')
    expect(lines).toEqual([
      '{"level":"error","fields":{"what":"chain","domain_id":"d1","error":"internal","stack":["at f"]},"message":"could not check"}',
      '{"level":"info","fields":{"what":"chains"},"message":"can check again"}',
    ])
  })
})
