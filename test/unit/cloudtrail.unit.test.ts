import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { gunzipSync, gzipSync } from 'node:zlib'
import fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { MAX_FILE_BYTES } from '../../src/append/input/bounded-file.js'
import { cloudTrailEntry } from '../../src/append/input/cloudtrail/entry.js'
import { readCloudTrailFile } from '../../src/append/input/cloudtrail/file.js'
import { objectOfResource } from '../../src/append/input/cloudtrail/resource.js'
import type { InputEntry } from '../../src/append/input/input-line.js'
import { personalDataProblem } from '../../src/append/personal/personal-data.js'
import { pseudonymiseObject } from '../../src/append/personal/pseudonymise.js'
import { AuditError } from '../../src/base/errors.js'
import { encodeCanonical } from '../../src/chain/canonical.js'
import { PLATFORM_ANCHOR } from '../../src/chain/uuid.js'

const DEMO = fileURLToPath(new URL('../../docs/demo/cloudtrail', import.meta.url))
const PEPPER = new Uint8Array(32).fill(1)

let home = ''
const entries: InputEntry[] = []
const records: Record<string, unknown>[] = []

beforeAll(async () => {
  home = await mkdtemp(join(tmpdir(), 'audit-cloudtrail-'))
  for (const name of (await readdir(DEMO)).sort()) {
    if (!name.endsWith('.json.gz')) continue
    for (const item of await readCloudTrailFile(join(DEMO, name))) {
      if (!('record' in item)) throw new Error(item.where)
      entries.push(cloudTrailEntry(item.record, `${name}, ${item.where}`))
      records.push(item.record as Record<string, unknown>)
    }
  }
})
afterAll(() => rm(home, { recursive: true, force: true }))

const count = (matches: (entry: InputEntry) => boolean) => entries.filter(matches).length
const of = (code: string) => (entry: InputEntry) => entry.context?.metadata?.error_code === code
const byRelation = (relation: string) => entries.find((entry) => entry.relation === relation)

describe('cloudTrailEntry for the 2,900 demo events', () => {
  it('maps all of them', () => {
    expect(entries).toHaveLength(2900)
    expect(new Set(entries.map((entry) => entry.subjectId)).size).toBe(SUBJECTS)
    expect(new Set(entries.map((entry) => entry.relation)).size).toBe(RELATIONS)
  })

  it('finds no address 353 times, no request id 5 times, no arn 77 times', () => {
    expect(count((entry) => entry.context?.ip === undefined)).toBe(353)
    expect(count((entry) => entry.correlationId === '')).toBe(5)
    expect(count((entry) => entry.subject === undefined)).toBe(77)
  })

  it('maps 60 denials, and one error whose code can mean a denial', () => {
    expect(count((entry) => entry.reason === 'insufficient_relation')).toBe(60)
    expect(count((e) => e.reason === 'insufficient_relation' && of('AccessDenied')(e))).toBe(16)
    expect(count((e) => e.reason === 'insufficient_relation' && of('Client.UnauthorizedOperation')(e))).toBe(
      44,
    )
    expect(entries.filter((entry) => entry.reason === 'out_of_scope').map((e) => e.relationPath)).toEqual([
      ['error:InvalidAccessException'],
    ])
    expect(count((entry) => entry.reason === 'granted')).toBe(2839)
    expect(count((entry) => entry.relationPath.length === 1)).toBe(FAILED)
    expect(count((e) => e.reason === 'granted' && of('ThrottlingException')(e))).toBe(102)
  })

  it('takes a resource as object 693 times, otherwise the service', () => {
    expect(count((entry) => !entry.object.startsWith('service:'))).toBe(693)
  })

  it('puts no personal data into hashed fields, and keeps the limits of the chain', () => {
    for (const [i, entry] of entries.entries()) {
      const { subjectId, relation, relationPath, correlationId, subject, context } = entry
      const object = pseudonymiseObject(PEPPER, entry.object)
      const stored = { relation, object, relationPath, correlationId }
      expect(personalDataProblem(stored, { subjectId, ...subject, ip: context?.ip })).toBeUndefined()
      const row = { ...entry, object, domainId: PLATFORM_ANCHOR, seq: i + 1, recordedAt: 0n }
      expect(() => encodeCanonical({ ...row, subjectPseudonym: '0'.repeat(64) })).not.toThrow()
    }
  })

  it('keeps every field that the mapping names', () => {
    for (const [i, entry] of entries.entries()) {
      const { eventTime, eventID, errorCode, userAgent } = records[i] ?? {}
      const metadata = {
        event_time: eventTime,
        event_id: eventID,
        ...(errorCode ? { error_code: errorCode } : {}),
      }
      expect(entry.context?.metadata).toEqual(metadata)
      expect(entry.context?.userAgent).toBe(userAgent)
    }
  })

  it('gives the same entries as before', () => {
    const golden = [
      'ec2:RunInstances',
      'kms:Decrypt',
      's3:GetBucketAcl',
      'ssm:GetParameters',
      'health:DescribeEventAggregates',
    ]
    expect(golden.map(byRelation)).toMatchSnapshot()
    const own = entries.find((e) => e.subjectId === 'rds.amazonaws.com' && e.relation === 'sts:AssumeRole')
    expect(own).toMatchSnapshot()
    expect(entries.find(of('AccessDenied'))).toMatchSnapshot()
  })
})

const SUBJECTS = 20
const FAILED = 300
const RELATIONS = 262

const EVENT = {
  eventSource: 'iam.amazonaws.com',
  eventName: 'DeleteUser',
  userIdentity: { principalId: 'AIDAX', arn: 'arn:aws:iam::1:user/bob' },
}
const mapped = (fields: object) => cloudTrailEntry({ ...EVENT, ...fields }, 'f.json, record 3')
const resource = (ARN: string, type?: string) => ({ ARN, type })

describe('objectOfResource', () => {
  it.each<[string, string | undefined, string | undefined]>([
    ['arn:aws:iam::1:user/dept/al', undefined, 'user:arn:aws:iam::1:user/dept/al'],
    ['arn:aws:iam::1:user/al', 'AWS::IAM::User', 'user:arn:aws:iam::1:user/al'],
    ['arn:aws:sts::1:assumed-role/admin/al@x', undefined, 'identity:arn:aws:sts::1:assumed-role/admin/al@x'],
    ['arn:aws:sts::1:federated-user/al', undefined, 'identity:arn:aws:sts::1:federated-user/al'],
    ['arn:aws:iam::1:mfa/al', undefined, 'identity:arn:aws:iam::1:mfa/al'],
    ['arn:aws:iam::1:mfa/al', 'AWS::IAM::VirtualMFADevice', 'identity:arn:aws:iam::1:mfa/al'],
    ['arn:aws:ses:r:1:identity/al@x', undefined, 'identity:arn:aws:ses:r:1:identity/al@x'],
    ['arn:aws:apigateway:r::/apikeys/k', undefined, 'apikey:arn:aws:apigateway:r::/apikeys/k'],
    ['arn:aws:iam::1:role/p/q/R', undefined, 'iam/role:arn:aws:iam::1:role/R'],
    ['arn:aws:iam::1:role/R', 'AWS::IAM::Role', 'iam/role:arn:aws:iam::1:role/R'],
    ['arn:aws:iam::1:root', undefined, 'iam/resource:arn:aws:iam::1:root'],
    ['arn:aws:kms:r:1:key/k', 'AWS::KMS::Key', 'kms/key:arn:aws:kms:r:1:key/k'],
    ['arn:aws:s3:::b', undefined, 's3/bucket:arn:aws:s3:::b'],
    ['arn:aws:s3:::b/k', undefined, 's3/object:arn:aws:s3:::b/k'],
    ['arn:aws:sns:r:1:topic', undefined, 'sns/resource:arn:aws:sns:r:1:topic'],
    ['arn:aws-cn:lambda:r:1:function:f', undefined, 'lambda/function:arn:aws-cn:lambda:r:1:function:f'],
    ['arn:aws:domain:::x', undefined, 'domain/resource:arn:aws:domain:::x'],
    ['arn:aws:iam', undefined, undefined],
    ['', undefined, undefined],
    ['not an arn', 'AWS::S3::Bucket', undefined],
  ])('maps %s (%s) to %s', (arn, type, object) => {
    expect(objectOfResource(resource(arn, type))).toBe(object)
  })

  it('uses the prefix where there is no ARN', () => {
    expect(objectOfResource({ ARNPrefix: 'arn:aws:s3:::b/', type: 'AWS::S3::Object' })).toBe(
      's3/object:arn:aws:s3:::b/',
    )
  })

  it('is used for the first resource that can be an object', () => {
    const long = resource(`arn:aws:s3:::b/${'k'.repeat(600)}`)
    const odd = resource('arn:aws:Ünser:::x')
    const subject = resource('arn:aws:s3:::home-aidax')
    const good = resource('arn:aws:s3:::b')
    expect(mapped({ resources: [{}, long, odd, subject, good] }).object).toBe('s3/bucket:arn:aws:s3:::b')
    expect(mapped({ resources: [long, odd, subject] }).object).toBe('service:iam')
    expect(mapped({ resources: [] }).object).toBe('service:iam')
    expect(mapped({ resources: null }).object).toBe('service:iam')
  })

  it('may return the subject, because a pseudonym is stored', () => {
    const object = mapped({ resources: [resource('arn:aws:iam::1:user/bob')] }).object
    expect(object).toBe('user:arn:aws:iam::1:user/bob')
    expect(pseudonymiseObject(PEPPER, object)).toMatch(/^user:[0-9a-f]{64}$/)
  })
})

describe('cloudTrailEntry', () => {
  it.each([
    ['AccessDenied', 'insufficient_relation'],
    ['UnauthorizedOperation', 'insufficient_relation'],
    ['Client.UnauthorizedOperation', 'insufficient_relation'],
    ['', 'granted'],
    [null, 'granted'],
  ])('maps the errorCode %s to %s', (errorCode, reason) => {
    expect(mapped({ errorCode }).reason).toBe(reason)
  })

  it('takes principalId as subject_id, otherwise invokedBy', () => {
    const by = (userIdentity: object) => mapped({ userIdentity }).subjectId
    expect(by({ principalId: 'AIDAX', invokedBy: 'x.amazonaws.com' })).toBe('AIDAX')
    expect(by({ principalId: '', invokedBy: 'x.amazonaws.com' })).toBe('x.amazonaws.com')
    expect(by({ principalId: null, invokedBy: 'x.amazonaws.com' })).toBe('x.amazonaws.com')
  })

  it('accepts an event without the other fields', () => {
    const entry = mapped({ requestID: null, sourceIPAddress: 'AWS Internal', userAgent: null })
    expect(entry.correlationId).toBe('')
    expect(entry.context).toStrictEqual({ metadata: {} })
  })

  it.each<[string, unknown, RegExp]>([
    ['null', null, /^f\.json, record 3: record: missing/],
    ['text', 'x', /^f\.json, record 3: record: missing/],
    ['an empty one', {}, /^f\.json, record 3: eventSource: missing/],
    ['one with text for an identity', { ...EVENT, userIdentity: 'x' }, /^f\.json, record 3: userIdentity: /],
    ['one with a number for a name', { ...EVENT, eventName: 7 }, /^f\.json, record 3: eventName: /],
    [
      'one with a long name',
      { ...EVENT, eventName: 'n'.repeat(129) },
      /^f\.json, record 3: relation: expected 1 to 128/,
    ],
    [
      'one with a long arn',
      { ...EVENT, userIdentity: { principalId: 'a', arn: 'a'.repeat(513) } },
      /record 3: subject\.plaintext: /,
    ],
    ['one with U+0000', { ...EVENT, userIdentity: { principalId: 'a\0' } }, /record 3: subject_id: U\+0000/],
    ['one with a lone surrogate', { ...EVENT, requestID: '\ud800' }, /record 3: correlation_id: a lone/],
  ])('refuses %s and names file, record and field', (_name, record, message) => {
    const error = caught(() => cloudTrailEntry(record, 'f.json, record 3'))
    expect(error).toMatchObject({ name: 'AuditError', code: 'invalid_input' })
    expect(String(error instanceof Error && error.message)).toMatch(message)
  })

  it('throws nothing but an AuditError', () => {
    const text = fc.oneof(fc.string(), fc.constant('arn:aws:iam::1:user/x'), fc.constant(null))
    const event = fc.record({
      eventSource: fc.string(),
      eventName: fc.string(),
      userIdentity: fc.oneof(fc.record({ principalId: text, arn: text, invokedBy: text }), fc.anything()),
      resources: fc.oneof(fc.array(fc.record({ ARN: text, type: text })), fc.anything()),
      sourceIPAddress: fc.oneof(text, fc.ipV6(), fc.anything()),
    })
    fc.assert(
      fc.property(fc.oneof(event, fc.anything()), (record) => {
        const error = caught(() => cloudTrailEntry(record, 'f'))
        if (error !== undefined) expect(error).toBeInstanceOf(AuditError)
      }),
    )
  })
})

function caught(act: () => unknown): unknown {
  try {
    act()
    return undefined
  } catch (error) {
    return error
  }
}

describe('readCloudTrailFile', () => {
  const good = Buffer.from(JSON.stringify({ Records: [EVENT, EVENT], more: 1 }))

  async function file(name: string, content: Uint8Array): Promise<string> {
    const path = join(home, name)
    await writeFile(path, content)
    return path
  }

  it.each<[string, Uint8Array]>([
    ['plain.json', good],
    ['named-wrong.json', gzipSync(good)],
    ['named-wrong.json.gz', good],
    ['two-members.json.gz', Buffer.concat([gzipSync(good.subarray(0, 40)), gzipSync(good.subarray(40))])],
    ['marked.json', Buffer.concat([Buffer.from([0xef, 0xbb, 0xbf]), good])],
    ['marked.json.gz', gzipSync(Buffer.concat([Buffer.from([0xef, 0xbb, 0xbf]), good]))],
  ])('reads %s', async (name, content) => {
    expect(await readCloudTrailFile(await file(name, content))).toEqual([
      { where: 'record 1', record: EVENT },
      { where: 'record 2', record: EVENT },
    ])
  })

  const zipped = gzipSync(good)
  const damaged = Buffer.from(zipped)
  damaged[damaged.length - 6] = (damaged.at(-6) ?? 0) ^ 1
  it.each<[string, Uint8Array, RegExp]>([
    ['empty', new Uint8Array(0), /: empty$/],
    ['empty-inside', gzipSync(''), /: empty$/],
    ['truncated', zipped.subarray(0, -9), /: a truncated gzip$/],
    ['magic-only', zipped.subarray(0, 2), /: a truncated gzip$/],
    ['damaged', damaged, /: not a whole gzip$/],
    ['not-gzip', Buffer.concat([zipped.subarray(0, 2), Buffer.alloc(50, 7)]), /: not a whole gzip$/],
    ['junk', Buffer.from([0, 1, 2, 0xff, 0xfe]), /: not well-formed UTF-8$/],
    ['half', good.subarray(0, -3), /: not valid JSON$/],
    ['digest', Buffer.from('{"awsAccountId":"1"}'), /: expected \{"Records":/],
    ['array', Buffer.from('[]'), /: expected \{"Records":/],
    ['null-records', Buffer.from('{"Records":null}'), /: expected \{"Records":/],
    ['records-object', Buffer.from('{"Records":{}}'), /: expected \{"Records":/],
    ['deep', Buffer.from(`{"Records":${'['.repeat(1000)}`), /: nested deeper than 64 levels$/],
  ])('refuses %s', async (name, content, message) => {
    const path = await file(name, content)
    const error: unknown = await readCloudTrailFile(path).catch((e: unknown) => e)
    expect(error).toMatchObject({ name: 'AuditError', code: 'invalid_input' })
    expect(String(error instanceof Error && error.message)).toMatch(message)
    expect(String(error)).toContain(path)
  })

  it('refuses a file that is too large, plain or decompressed', async () => {
    const bomb = gzipSync(Buffer.alloc(MAX_FILE_BYTES + 1, '['), { level: 1 })
    expect(bomb.length).toBeLessThan(MAX_FILE_BYTES / 50)
    const message = expect.stringMatching(/expected at most 67108864 bytes/)
    const refused = { code: 'invalid_input', message }
    await expect(readCloudTrailFile(await file('bomb', bomb))).rejects.toMatchObject(refused)
    await expect(readCloudTrailFile('/dev/zero')).rejects.toMatchObject(refused)
  })

  it.each(['/nowhere/at/all.json', tmpdir()])('rejects with file_unreadable for %s', async (path) => {
    await expect(readCloudTrailFile(path)).rejects.toMatchObject({ code: 'file_unreadable' })
  })

  it('refuses a file that is cut at any byte', async () => {
    const whole = Buffer.from(JSON.stringify({ Records: [EVENT] }))
    const packed = gzipSync(whole)
    expect(gunzipSync(packed)).toEqual(whole)
    for (let length = 0; length < packed.length; length += 1) {
      const path = await file('cut', packed.subarray(0, length))
      await expect(readCloudTrailFile(path)).rejects.toMatchObject({ code: 'invalid_input' })
    }
  })
})
