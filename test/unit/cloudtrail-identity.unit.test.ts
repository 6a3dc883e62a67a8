import { describe, expect, it } from 'vitest'
import { toRow } from '../../src/append/append-item.js'
import { cloudTrailEntry } from '../../src/append/input/cloudtrail/entry.js'

const PEPPER = new Uint8Array(32).fill(1)
const DOMAIN = '018f0000-0000-7000-8000-000000000001'

const mapped = (fields: object) =>
  cloudTrailEntry({ eventSource: 's3.amazonaws.com', eventName: 'GetObject', ...fields }, 'f.json, record 1')
/** Maps an event and checks that its row is accepted. */
function appended(fields: object) {
  const entry = mapped(fields)
  expect(() => toRow(entry, DOMAIN, PEPPER)).not.toThrow()
  return entry
}
const by = (userIdentity: unknown, fields: object = {}) => appended({ userIdentity, ...fields }).subjectId
const bucket = (ARN: string) => ({ ARN, type: 'AWS::S3::Bucket' })
const object = (ARN: string) => ({ ARN, type: 'AWS::S3::Object' })

const USER_ARN = 'arn:aws:iam::111122223333:user/mara'
const BUILDER = 'arn:aws:appstream:us-east-1:111122223333:image-builder/B'

describe('the subject of an event', () => {
  it.each<[string, unknown, string]>([
    [
      'a principal',
      { principalId: 'AIDAX', arn: USER_ARN, userName: 'mara', invokedBy: 'x.amazonaws.com' },
      'AIDAX',
    ],
    [
      'a person of IAM Identity Center',
      {
        type: 'IdentityCenterUser',
        accountId: '111122223333',
        onBehalfOf: { userId: '544894e8-80c1', identityStoreArn: 'x' },
      },
      '544894e8-80c1',
    ],
    ['an arn', { type: 'IAMUser', arn: USER_ARN, userName: 'mara', accountId: '111122223333' }, USER_ARN],
    ['an arn of a resource', { arn: BUILDER, accountId: '111122223333' }, BUILDER],
    ['a user name', { type: 'IAMUser', userName: 'mara', accountId: '111122223333' }, 'mara'],
    ['a service', { type: 'AWSService', invokedBy: 'rds.amazonaws.com' }, 'rds.amazonaws.com'],
    [
      'a principal that is empty',
      { principalId: '', arn: '', invokedBy: 'x.amazonaws.com' },
      'x.amazonaws.com',
    ],
    ['a principal that is blank', { principalId: ' ', userName: 'mara' }, 'mara'],
    [
      'nobody, over S3',
      { type: 'AWSAccount', principalId: '', accountId: 'ANONYMOUS_PRINCIPAL' },
      'account:ANONYMOUS_PRINCIPAL',
    ],
    [
      'a user that does not exist',
      {
        type: 'IAMUser',
        principalId: '',
        accountId: '111122223333',
        userName: 'HIDDEN_DUE_TO_SECURITY_REASONS',
      },
      'account:111122223333',
    ],
    [
      'another account',
      { type: 'AWSAccount', principalId: 'AIDAOTHER', accountId: '444455556666' },
      'AIDAOTHER',
    ],
    ['no field', {}, 'service:s3.amazonaws.com'],
    ['a type alone', { type: 'Unknown' }, 'service:s3.amazonaws.com'],
    ['null fields', { principalId: null, arn: null, invokedBy: null }, 'service:s3.amazonaws.com'],
    ['null', null, 'service:s3.amazonaws.com'],
    ['nothing', undefined, 'service:s3.amazonaws.com'],
    [
      'fields of a wrong type beside it',
      { principalId: 'AIDAX', userName: 7, accountId: {}, onBehalfOf: 'x', sessionContext: [] },
      'AIDAX',
    ],
  ])('is taken from an identity with %s', (_what, userIdentity, subjectId) => {
    expect(by(userIdentity)).toBe(subjectId)
  })

  it.each<[string, object, string]>([
    [
      'an insight event',
      {
        eventCategory: 'Insight',
        eventSource: 'autoscaling.amazonaws.com',
        eventName: 'CompleteLifecycleAction',
        insightDetails: { state: 'Start' },
      },
      'service:autoscaling.amazonaws.com',
    ],
    [
      'an event of a service',
      { eventSource: 'acm-pca.amazonaws.com', eventName: 'IssueCertificateDetails' },
      'service:acm-pca.amazonaws.com',
    ],
    [
      'an insight event as a trail has it',
      {
        eventVersion: '1.07',
        eventType: 'AwsCloudTrailInsight',
        eventSource: undefined,
        eventName: undefined,
        recipientAccountId: '123456789012',
        insightDetails: {
          state: 'Start',
          eventSource: 'ssm.amazonaws.com',
          eventName: 'UpdateInstanceInformation',
          insightType: 'ApiCallRateInsight',
        },
        eventCategory: 'Insight',
      },
      'service:ssm.amazonaws.com',
    ],
    // The subject and the object are then the same words. They name no person.
    ['an event from outside AWS', { eventSource: 'OneLogin', eventName: 'Login' }, 'service:OneLogin'],
  ])('of %s is the service', (_what, fields, subjectId) => {
    expect(appended(fields).subjectId).toBe(subjectId)
  })

  it.each<[string, object, object]>([
    [
      'calls',
      {},
      { relation: 'ssm:PutParameter', object: 'service:ssm', reason: 'granted', relationPath: [] },
    ],
    [
      'errors',
      { insightType: 'ApiErrorRateInsight', errorCode: 'AccessDenied' },
      { reason: 'insufficient_relation', relationPath: ['error:AccessDenied'] },
    ],
  ])('of an insight about %s is the service that was called', (_what, more, fields) => {
    const insightDetails = { eventSource: 'ssm.amazonaws.com', eventName: 'PutParameter', ...more }
    const entry = cloudTrailEntry({ eventSource: null, eventName: '', insightDetails }, 'f')
    expect(entry).toMatchObject({ subjectId: 'service:ssm.amazonaws.com', ...fields })
  })

  it.each([{}, null, 'x', { eventSource: 7 }])('is missing where the insight is %j', (insightDetails) => {
    expect(() => cloudTrailEntry({ insightDetails }, 'f')).toThrow('f: eventSource: missing')
  })

  it('may have the name of the service', () => {
    expect(by({ userName: 's3' })).toBe('s3')
    expect(by({ invokedBy: 'aws-internal' }, { eventSource: 'aws-internal' })).toBe('aws-internal')
  })
})

const SSO = 'arn:aws:sts::111122223333:assumed-role/AWSReservedSSO_Audit_0123456789abcdef'
const ROLE = 'arn:aws:sts::111122223333:assumed-role/deploy'
const root = {
  type: 'Root',
  principalId: '111122223333',
  accountId: '111122223333',
  arn: 'arn:aws:iam::111122223333:root',
}
const session = (principalId: string, arn: string) => ({
  type: 'AssumedRole',
  principalId,
  arn,
  accountId: '111122223333',
})
const HOME = bucket('arn:aws:s3:::home')

describe('the object of an event', () => {
  it.each<[string, unknown, string]>([
    [
      'the e-mail address of the session',
      session('AROAX:first.last@example.com', `${ROLE}/first.last@example.com`),
      'home/first.last@example.com/diary',
    ],
    ['it in upper case', session('AROAX:first.last@example.com', ROLE), 'home/First.Last@Example.COM'],
    ['it percent-encoded', session('AROAX:first.last@example.com', ROLE), 'home/first.last%40example.com/x'],
    ['it encoded twice', session('AROAX:first.last@example.com', ROLE), 'home/first.last%2540example.com'],
    ['it without its tag', session('AROAX:first.last+aws@example.com', ROLE), 'home/first.last@example.com'],
    ['it with a tag', session('AROAX:first.last@example.com', ROLE), 'home/first.last+aws@example.com'],
    ['an address of the arn alone', { arn: `${ROLE}/first.last@example.com` }, 'first.last@example.com'],
    [
      'an address that is the user name',
      { principalId: 'AIDAX', userName: 'first.last@example.com' },
      'first.last@example.com',
    ],
    [
      'the source identity',
      { ...session('AROAX:backup', ROLE), sessionContext: { sourceIdentity: 'first.last@example.com' } },
      'first.last@example.com',
    ],
    [
      'the session name of a role of IAM Identity Center',
      session('AROAX:mara', `${SSO}/mara`),
      'home/mara/diary',
    ],
    [
      'such a name, where the issuer is named',
      {
        principalId: 'AROAX:mara',
        sessionContext: { sessionIssuer: { userName: 'AWSReservedSSO_Audit_01' } },
      },
      'home/mara/diary',
    ],
    ['the principal', { principalId: 'AIDAX' }, 'home/AIDAX'],
    ['the principal in lower case', { principalId: 'AIDAX' }, 'home-aidax'],
  ])('is never a resource that holds %s', (_what, userIdentity, key) => {
    const resources = [object(`arn:aws:s3:::b/${key}`), HOME]
    expect(appended({ userIdentity, resources }).object).toBe('s3/bucket:arn:aws:s3:::home')
    expect(appended({ userIdentity, resources: [object(`arn:aws:s3:::b/${key}`)] }).object).toBe('service:s3')
    expect(appended({ userIdentity, resources: [{ ARNPrefix: `arn:aws:s3:::b/${key}` }] }).object).toBe(
      'service:s3',
    )
  })

  it.each<[string, unknown, string]>([
    ['the id of its own account, for root', root, 'arn:aws:s3:::aws-cloudtrail-logs-111122223333-a1b2'],
    [
      'the id of the account of root, whose identity has none',
      { type: 'Root', principalId: '111122223333' },
      'arn:aws:s3:::logs-111122223333',
    ],
    ['the arn of root, for root', root, 'arn:aws:iam::111122223333:root'],
    ['the id of an account in its key, for root', root, 'arn:aws:s3:::logs/AWSLogs/111122223333/x.json.gz'],
    [
      'an instance',
      session('AROAX:i-0abc123', `${ROLE}/i-0abc123`),
      'arn:aws:ec2:us-east-1:111122223333:instance/i-0abc123',
    ],
    [
      'a function',
      session('AROAX:resize', `${ROLE}/resize`),
      'arn:aws:lambda:us-east-1:111122223333:function:resize',
    ],
    ['a plain word of the session', session('AROAX:backup', `${ROLE}/backup`), 'arn:aws:s3:::backup'],
    ['a number that has the principal in it', { principalId: '1234567' }, 'arn:aws:s3:::orders/51234567'],
    ['the resource that acts by itself', { arn: BUILDER }, BUILDER],
    [
      'the name of the service that acts',
      { invokedBy: 's3.amazonaws.com' },
      'arn:aws:s3:::logs-s3.amazonaws.com',
    ],
  ])('is the resource that holds %s', (_what, userIdentity, ARN) => {
    expect(appended({ userIdentity, resources: [{ ARN }] }).object).toContain(ARN)
  })
})

describe('the correlation_id of an event', () => {
  it.each<[string, string]>([
    ['7F2C', '7F2C'],
    ['req-ann@example.org', 'req-ann@example.org'],
    ['ann@example.com', ''],
    ['req/ann%40EXAMPLE.com/1', ''],
    ['AROAX:ann@example.com', ''],
  ])('for the request id %s is %j', (requestID, correlationId) => {
    const userIdentity = { principalId: 'AROAX:ann@example.com' }
    expect(appended({ userIdentity, requestID }).correlationId).toBe(correlationId)
  })
})

describe('an oversized field off the chain', () => {
  it.each<[string, object, object]>([
    ['a user agent', { userAgent: 'a'.repeat(5000) }, { userAgent: 'a'.repeat(1024) }],
    [
      'a user agent that is cut inside a character',
      { userAgent: `a${'€'.repeat(1000)}` },
      { userAgent: `a${'€'.repeat(341)}` },
    ],
    [
      'a user agent with U+0000 and a lone surrogate',
      { userAgent: 'a\0b\ud800' },
      { userAgent: 'a\ufffdb\ufffd' },
    ],
    ['an eventID', { eventID: 'e'.repeat(20_000) }, { metadata: { event_id: 'e'.repeat(1024) } }],
    ['an error code', { errorCode: 'E'.repeat(20_000) }, { metadata: { error_code: 'E'.repeat(1024) } }],
  ])('does not refuse the event: %s', (_what, fields, context) => {
    expect(appended({ userIdentity: { principalId: 'AIDAX' }, ...fields }).context).toMatchObject(context)
  })
})

describe('the idempotency key of an event', () => {
  const keyOf = (fields: object, idempotent = true) =>
    cloudTrailEntry(
      {
        eventSource: 's3.amazonaws.com',
        eventName: 'GetObject',
        userIdentity: { principalId: 'AIDAX', accountId: '444455556666' },
        ...fields,
      },
      'f',
      { idempotent },
    ).idempotencyKey
  const EVENT_ID = '8ca35bec-bc01-4a58-beca-6f8a16907e98'

  it('is a UUID v4 made of the SHA-256 of account and eventID', () => {
    // printf 111122223333/8ca35bec-bc01-4a58-beca-6f8a16907e98 | sha256sum
    expect(keyOf({ recipientAccountId: '111122223333', eventID: EVENT_ID })).toBe(
      '6091b0d7-8d70-41e5-bb57-e42ff736aed1',
    )
  })

  it.each<[string, object, object, boolean]>([
    ['another eventID', { eventID: 'a' }, { eventID: 'b' }, false],
    [
      'another account',
      { eventID: 'a', recipientAccountId: '1' },
      { eventID: 'a', recipientAccountId: '2' },
      false,
    ],
    [
      'the account of the identity',
      { eventID: 'a' },
      { eventID: 'a', recipientAccountId: '444455556666' },
      true,
    ],
    ['another time', { eventID: 'a' }, { eventID: 'a', eventTime: '2026-01-01T00:00:00Z' }, true],
  ])('is compared with %s', (_what, one, other, isSame) => {
    expect(keyOf(one) === keyOf(other)).toBe(isSame)
  })

  it('is absent without an eventID, and without --idempotent', () => {
    expect(keyOf({})).toBeUndefined()
    expect(keyOf({ eventID: null })).toBeUndefined()
    expect(keyOf({ eventID: EVENT_ID }, false)).toBeUndefined()
  })
})
