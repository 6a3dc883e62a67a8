import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { gzipSync } from 'node:zlib'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type Candidate, fileCandidates, type Skipped } from '../../src/append/input/candidates.js'
import { readCloudTrailFile } from '../../src/append/input/cloudtrail/file.js'
import { fileNote } from '../../src/append/input/cloudtrail/file-note.js'
import { AuditError } from '../../src/base/errors.js'

let home = ''
beforeAll(async () => {
  home = await mkdtemp(join(tmpdir(), 'audit-trail-'))
})
afterAll(() => rm(home, { recursive: true, force: true }))

async function file(name: string, content: string | Uint8Array): Promise<string> {
  const path = join(home, name)
  await writeFile(path, content)
  return path
}

const event = (eventName: string) => ({
  eventSource: 's3.amazonaws.com',
  eventName,
  userIdentity: { principalId: 'AIDAX' },
})
const json = (eventName: string) => JSON.stringify(event(eventName))
const document = (...names: string[]) => JSON.stringify({ Records: names.map(event) })
const record = (where: string, name: string) => ({ where, record: event(name) })

describe('readCloudTrailFile', () => {
  it.each<[string, string | Uint8Array, unknown[]]>([
    ['one record', json('A'), [record('record 1', 'A')]],
    ['one record and a line feed', `${json('A')}\n`, [record('record 1', 'A')]],
    ['records, one per line', `${json('A')}\n${json('B')}\n`, [record('line 1', 'A'), record('line 2', 'B')]],
    [
      'CRLF and blank lines',
      `${json('A')}\r\n\r\n \n${json('B')}`,
      [record('line 1', 'A'), record('line 4', 'B')],
    ],
    ['lines in gzip', gzipSync(`${json('A')}\n${json('B')}`), [record('line 1', 'A'), record('line 2', 'B')]],
    [
      'documents, one per line',
      `${document('A', 'B')}\n${document('C')}\n`,
      [record('line 1, record 1', 'A'), record('line 1, record 2', 'B'), record('line 2, record 1', 'C')],
    ],
    [
      'a document over several lines',
      JSON.stringify({ Records: [event('A')] }, null, 2),
      [record('record 1', 'A')],
    ],
    ['a record over several lines', JSON.stringify(event('A'), null, 2), [record('record 1', 'A')]],
    [
      'one insight event',
      '{"insightDetails":{"eventName":"A"}}',
      [{ where: 'record 1', record: { insightDetails: { eventName: 'A' } } }],
    ],
    ['a document without a record', '{"Records":[]}', []],
    [
      'a line that is not JSON',
      `${json('A')}\n{"eventName":\n${json('C')}`,
      [
        record('line 1', 'A'),
        { where: 'line 2', problem: 'not valid JSON', bytes: Buffer.from('{"eventName":') },
        record('line 3', 'C'),
      ],
    ],
    [
      'a line of other JSON',
      `${json('A')}\nnull\n{"x":1}`,
      [record('line 1', 'A'), { where: 'line 2', record: null }, { where: 'line 3', record: { x: 1 } }],
    ],
    [
      'a line with a key twice',
      `${json('A')}\n{"eventName":"B","errorCode":"AccessDenied","errorCode":null}`,
      [
        record('line 1', 'A'),
        expect.objectContaining({ where: 'line 2', problem: 'a key occurs twice in one object' }),
      ],
    ],
    [
      'the note of a file that was set aside',
      `${fileNote('2.json', 'x')}\n${json('A')}`,
      [{ where: 'line 1', setAside: '2.json' }, record('line 2', 'A')],
    ],
    ['such a note alone', fileNote('2.json', 'x'), [{ where: 'line 1', setAside: '2.json' }]],
  ])('reads %s', async (name, content, items) => {
    expect(await readCloudTrailFile(await file(name.replaceAll(' ', '-'), content))).toEqual(items)
  })

  it.each<[string, string, RegExp]>([
    ['two members Records', `{"Records":[${json('A')}],"Records":[${json('B')}]}`, /a key occurs twice/],
    ['two members Records, one empty', `{"Records":[${json('A')}],"Records":[]}`, /a key occurs twice/],
    [
      'two members Records, one not a list',
      `{"Records":null,"Records":[${json('A')}]}`,
      /a key occurs twice/,
    ],
    [
      'two members Records, one escaped',
      `{"Records":[${json('A')}],"\\u0052ecords":[]}`,
      /a key occurs twice/,
    ],
    ['another member twice', `{"a":1,"Records":[],"a":2}`, /a key occurs twice/],
    [
      'two error codes in a record',
      '{"Records":[{"errorCode":"AccessDenied","errorCode":null}]}',
      /a key occurs twice/,
    ],
    ...[
      '"userIdentity":{"principalId":"EVIL","type":"IAMUser","principalId":"AIDAX"}',
      '"userIdentity":{"sessionContext":{"sourceIdentity":"a","source\\u0049dentity":"b"}}',
      '"responseElements":{"ConsoleLogin":"Failure","ConsoleLogin":"Success"}',
      '"resources":[{"ARN":"a"},{"ARN":"a","ARN" : "b"}]',
      '"insightDetails":{"eventName":"a","eventName":"b"}',
      '"x":{"requestParameters":{"a":1,"a":2}}',
      '"requestParameters":{"a":1},"requestParameters":{"a":1}',
      '"requestParameters":{"a":1,"a":2},"errorCode":"AccessDenied","errorCode":null',
    ].flatMap((member, i): [string, string, RegExp][] => [
      [`a key twice below a record, ${i}`, `{"Records":[{"eventName":"A",${member}}]}`, /a key occurs twice/],
      [`a key twice below a record alone, ${i}`, `{"eventName":"A",${member}}`, /a key occurs twice/],
    ]),
    ['two documents on a line', document('A') + document('B'), /: not valid JSON$/],
    ['a digest', '{"awsAccountId":"1","digestStartTime":"t","logFiles":[]}', /expected \{"Records":/],
    ['an answer of lookup-events', '{"Events":[{"EventName":"A"}]}', /expected \{"Records":/],
    ['other JSON', '[1,2]', /expected \{"Records":/],
    ['a cut document', document('A').slice(0, -4), /: not valid JSON$/],
    [
      'a cut document over several lines',
      JSON.stringify({ Records: [event('A')] }, null, 2).slice(0, -4),
      /: not valid JSON$/,
    ],
  ])('refuses %s', async (name, content, message) => {
    const error: unknown = await readCloudTrailFile(await file(name.replaceAll(' ', '-'), content)).catch(
      (e: unknown) => e,
    )
    expect(error).toMatchObject({ code: 'invalid_input', message: expect.stringMatching(message) })
  })

  it.each(['requestParameters', 'additionalEventData'])(
    'keeps the last of two equal keys in %s, where the mapping reads nothing',
    async (name) => {
      const json = `{"eventName":"A","${name}":{"a":1,"b":[{"a":"\\":{","c":1}],"a":2}}`
      const item = {
        where: 'record 1',
        record: { eventName: 'A', [name]: { a: 2, b: [{ a: '":{', c: 1 }] } },
      }
      expect(await readCloudTrailFile(await file(`deep-${name}`, json))).toEqual([item])
      const whole = await file(`deep-document-${name}`, `{"Records":[${json}]}`)
      expect(await readCloudTrailFile(whole)).toEqual([item])
    },
  )
})

async function candidatesOf(...given: Parameters<typeof fileCandidates>): Promise<Candidate[]> {
  const candidates: Candidate[] = []
  for await (const some of fileCandidates(...given)) candidates.push(...some)
  return candidates
}

describe('fileCandidates', () => {
  it.each(['cloudtrail', 'ndjson'] as const)(
    'goes on after a file that cannot be used: %s',
    async (format) => {
      const line = '{"subject_id":"a","relation":"b","object":"c:d"}'
      const good = await file(`good-${format}`, format === 'cloudtrail' ? document('A') : line)
      const gzip = await file(`cut-${format}`, gzipSync('x').subarray(0, 12))
      const missing = join(home, 'missing')
      const seen: string[] = []
      for (const { where, entry, isFile } of await candidatesOf([missing, good, gzip, good], format)) {
        seen.push(entry instanceof AuditError ? `${entry.code} ${isFile} ${where}` : where)
      }
      const at = format === 'cloudtrail' ? `${good}, record 1` : `${good}, line 1`
      expect(seen).toEqual([`file_unreadable true ${missing}`, at, `invalid_input true ${gzip}`, at])
    },
  )

  it('yields files in the order given, each as often as given', async () => {
    const [a, b] = [await file('a', document('A', 'A')), await file('b', document('B'))]
    const names: string[] = []
    for (const { entry } of await candidatesOf([b, a, b], 'cloudtrail')) {
      if (!(entry instanceof AuditError)) names.push(entry.relation)
    }
    expect(names).toEqual(['s3:B', 's3:A', 's3:A', 's3:B'])
  })

  it('reports the files that an earlier run set aside', async () => {
    const skipped: Skipped[] = []
    const path = await file('rejects', `${fileNote('2.json', 'x')}\n`)
    const options = { onSkipped: (note: Skipped) => void skipped.push(note) }
    expect(await candidatesOf([path], 'cloudtrail', options)).toEqual([])
    expect(skipped).toEqual([{ where: `${path}, line 1`, setAside: '2.json' }])
  })

  it('keeps what it refuses in a form that can be read again', async () => {
    const bad = { ...event('A'), eventName: 7 }
    const path = await file('bad', JSON.stringify({ Records: [bad, null, event('B')] }))
    const kept: string[] = []
    for (const { entry, raw } of await candidatesOf([path, join(home, 'nowhere')], 'cloudtrail')) {
      if (entry instanceof AuditError) kept.push(Buffer.from(raw() ?? []).toString())
    }
    const again = await file('again', kept.join('\n'))
    expect(await readCloudTrailFile(again)).toEqual([
      { where: 'line 1', record: bad },
      { where: 'line 2', record: null },
      { where: 'line 3', setAside: join(home, 'nowhere') },
    ])
  })
})
