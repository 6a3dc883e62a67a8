import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { cloudTrailEntry } from '../../src/append/input/cloudtrail/entry.js'
import { relationPathProblem } from '../../src/chain/limits.js'
import type { Reason } from '../../src/chain/reason.js'

const EVENT = {
  eventSource: 'dynamodb.amazonaws.com',
  eventName: 'GetItem',
  userIdentity: { type: 'IAMUser', principalId: 'AIDAEXAMPLE01' },
}
const mapped = (fields: object) => cloudTrailEntry({ ...EVENT, ...fields }, 'f.json, record 1')

/** Error codes as AWS writes them, and how an event with the code is recorded. */
const CODES: Readonly<Record<Reason, readonly string[]>> = {
  caveat_violation: ['VpceAccessDenied', 'Client.VpceAccessDenied', 'VpceAccessDeniedException'],
  insufficient_relation: [
    'AccessDenied',
    'AccessDeniedException',
    'Client.UnauthorizedOperation',
    'UnauthorizedOperation',
    'Server.AccessDenied',
    'KMSAccessDeniedException',
    'AuthorizationError',
    'AuthorizationErrorException',
    'UnauthorizedException',
    'UnauthorizedClientException',
    'NotAuthorizedException',
    'UserNotAuthorizedFault',
    'ForbiddenException',
    'AccessForbidden',
    'CloudHsmAccessDeniedException',
    'com.amazonaws.dynamodb.v20120810#AccessDeniedException',
    // A code that also has the form of a failure after authorization is a refusal.
    'AccessDeniedNotFound',
    'InvalidUnauthorizedThing',
  ],
  granted: [
    // Not found.
    'ResourceNotFoundException',
    'NoSuchKey',
    'NoSuchEntityException',
    'NoSuchBucketPolicy',
    'Client.InvalidVpcID.NotFound',
    'Client.InvalidPermission.NotFound',
    'DBInstanceNotFoundFault',
    'ReplicationConfigurationNotFoundError',
    'InvocationDoesNotExist',
    'QueueDoesNotExist',
    'com.amazonaws.dynamodb.v20120810#ResourceNotFoundException',
    // Exists, or in use.
    'EntityAlreadyExists',
    'EntityAlreadyExistsException',
    'ResourceInUseException',
    'BucketAlreadyOwnedByYou',
    'BucketNotEmpty',
    'DependencyViolation',
    'DeleteConflict',
    'ConflictException',
    'Client.InvalidGroup.Duplicate',
    'InvalidDBInstanceStateFault',
    'Client.IncorrectInstanceState',
    'ConditionalCheckFailedException',
    // Throttled, or beyond a limit.
    'ThrottlingException',
    'Throttling',
    'TooManyRequestsException',
    'Client.RequestLimitExceeded',
    'ProvisionedThroughputExceededException',
    'SlowDown',
    'LimitExceededException',
    'ServiceQuotaExceededException',
    'Client.VcpuLimitExceeded',
    'Server.InsufficientInstanceCapacity',
    // Invalid.
    'ValidationException',
    'ValidationError',
    'InvalidParameterValue',
    'Client.InvalidParameterValue',
    'InvalidParameterException',
    'InvalidArgument',
    'InvalidInputException',
    'InvalidSecurityGroupID.NotFound',
    'InvalidInstanceId',
    'MalformedPolicyDocument',
    'MissingParameter',
    'Client.InvalidUserID.Malformed',
    'InvalidNextToken',
    // Internal.
    'InternalFailure',
    'InternalError',
    'Server.InternalError',
    'InternalServerException',
    'ServiceUnavailable',
    'ServiceUnavailableException',
    // Permitted, and not done because the caller asked for it.
    'Client.DryRunOperation',
  ],
  out_of_scope: [
    'SomethingNew',
    'SomethingNewException',
    // Case counts: AWS does not write these.
    'accessdenied',
    'throttlingexception',
    'ACCESSDENIED',
    // The caller is not known, or not let in.
    'InvalidClientTokenId',
    'InvalidAccessKeyId',
    'InvalidAccessException',
    'InvalidSignatureException',
    'InvalidIdentityToken',
    'InvalidToken',
    'InvalidUserPoolConfigurationException',
    'InvalidGrantException',
    'InvalidSecurity',
    'InvalidPermission',
    'ExpiredToken',
    'ExpiredTokenException',
    'RequestExpired',
    'SignatureDoesNotMatch',
    'IncompleteSignature',
    'MissingAuthenticationToken',
    'UnrecognizedClientException',
    'AuthFailure',
    'Client.AuthFailure',
    'OptInRequired',
    'SubscriptionRequiredException',
    'PendingVerification',
    'OperationNotPermitted',
    'OperationNotPermittedException',
    'NotPermitted',
    'InsufficientPrivilegesException',
    'KMSKeyNotAccessibleFault',
    'IDPRejectedClaim',
    'UserNotFoundException',
    'SoftwareTokenMFANotFoundException',
    'TooManyFailedAttemptsException',
    '403',
    ' ',
  ],
}
const ROWS = Object.entries(CODES).flatMap(([reason, codes]) => codes.map((code) => [code, reason] as const))

describe('the error code of an event', () => {
  it.each(ROWS)('%s is recorded as %s, and as a step of the relation_path', (errorCode, reason) => {
    const entry = mapped({ errorCode })
    expect(entry.reason).toBe(reason)
    expect(entry.relationPath).toEqual([`error:${errorCode.replaceAll(/[^\w.:#/-]/g, '_')}`])
    expect(entry.context?.metadata?.error_code).toBe(errorCode)
  })

  it.each([
    [undefined, undefined],
    [null, null],
    ['', ''],
  ])('leaves no step where it is %j', (errorCode, errorMessage) => {
    expect(mapped({ errorCode, errorMessage })).toMatchObject({ reason: 'granted', relationPath: [] })
  })

  it.each<[unknown, string]>([
    [403, 'error:403'],
    [true, 'error:true'],
    [{ code: 'x' }, 'error:unspecified'],
    ['a b\u0000\u202e\ud800', 'error:a_b___'],
    ['é'.repeat(10), `error:${'_'.repeat(10)}`],
    ['E'.repeat(5000), `error:${'E'.repeat(128)}`],
    // The code names the subject.
    ['AIDAEXAMPLE01', 'error:unspecified'],
  ])('never refuses the event: %j', (errorCode, step) => {
    expect(mapped({ errorCode })).toMatchObject({ reason: 'out_of_scope', relationPath: [step] })
  })

  it('never makes a hashed step beyond the limits, whatever it is', () => {
    fc.assert(
      fc.property(fc.anything(), fc.string({ unit: 'binary' }), (errorCode, errorMessage) => {
        const { relationPath } = mapped({ errorCode, errorMessage })
        expect(relationPathProblem(relationPath)).toBeUndefined()
        for (const step of relationPath) expect(step).toMatch(/^error:[\w.:#/-]{1,128}$/)
      }),
    )
  })
})

const ARN = 'arn:aws:sts::111122223333:assumed-role/admin/first.last@example.com'
const SAYS = `User: ${ARN} is not authorized to perform: s3:GetObject on resource: arn:aws:s3:::b`

describe('the error message of an event', () => {
  it.each<[string | undefined, string, Reason]>([
    ['AccessDenied', SAYS, 'insufficient_relation'],
    ['AccessDenied', `${SAYS} with an explicit deny in a service control policy`, 'caveat_violation'],
    [
      'Client.UnauthorizedOperation',
      `${SAYS} with an explicit deny in an identity-based policy`,
      'caveat_violation',
    ],
    ['AccessDenied', `${SAYS} because no identity-based policy allows the action`, 'insufficient_relation'],
    // The code is on the list of failures after authorization, and the message says that it was a refusal.
    ['InvalidParameterValueException', SAYS, 'insufficient_relation'],
    ['InvalidRequestException', 'You are not authorized to perform this operation.', 'insufficient_relation'],
    ['ValidationException', 'explicitly denied by policy', 'caveat_violation'],
    ['ResourceNotFoundException', 'Table: not found', 'granted'],
    ['SomethingNew', 'something', 'out_of_scope'],
    [undefined, SAYS, 'insufficient_relation'],
    [undefined, `${SAYS} with an explicit deny`, 'caveat_violation'],
    [undefined, 'Access Denied', 'insufficient_relation'],
    [undefined, 'not authorized', 'insufficient_relation'],
    [undefined, 'Failed authentication', 'insufficient_relation'],
    [undefined, 'Rate exceeded', 'out_of_scope'],
    // Other words of a refusal, with a code that is on the list of failures after authorization.
    ['ValidationException', 'Access denied', 'insufficient_relation'],
    ['BadRequestException', 'User is not authorized to access this resource', 'insufficient_relation'],
    ['InvalidInputException', 'The caller is not authorized.', 'insufficient_relation'],
    ['InvalidRequestException', 'Insufficient permissions to execute the query', 'insufficient_relation'],
    ['InvalidRequestException', "You don't have permission to use 'x'", 'insufficient_relation'],
    ['InvalidRequestException', `User: ${ARN} does not have access to it`, 'insufficient_relation'],
    ['ValidationException', 'The user is not allowed to do this', 'insufficient_relation'],
    ['InternalFailure', 'Unauthorized', 'insufficient_relation'],
    ['ValidationException', 'Access to arn:aws:s3:::b was denied', 'insufficient_relation'],
    ['SomethingNew', 'Access Denied', 'insufficient_relation'],
    [
      'InvalidInputException',
      'Insufficient Lake Formation permission(s): Required Create Database on Catalog',
      'insufficient_relation',
    ],
    ['InvalidRequestException', 'User: arn:aws:iam::1:user/x has no permission', 'insufficient_relation'],
    ['InvalidRequestException', 'The requester is unauthorized', 'insufficient_relation'],
    ['InvalidRequestException', 'Access is not allowed', 'insufficient_relation'],
    ['ValidationException', 'AccessDeniedException: x', 'insufficient_relation'],
    ['ValidationException', 'x (Status Code: 403; Error Code: AccessDenied)', 'insufficient_relation'],
    ['ValidationException', 'ACCESS_DENIED', 'insufficient_relation'],
    ['ThrottlingException', 'You are not authorized', 'insufficient_relation'],
    // A mention of a refusal may be one.
    ['ValidationException', 'The bucket answered AccessDenied', 'out_of_scope'],
    ['ValidationException', 'You must have permission to do this', 'out_of_scope'],
    ['InvalidRequestException', 'S3 returned 403 Forbidden', 'out_of_scope'],
    ['ValidationException', 'The policy named denied is invalid', 'out_of_scope'],
    ['ValidationException', "Value 'access denied' at 'name' is too long", 'out_of_scope'],
    ['InvalidParameterValueException', 'The role lacks the permissions to call EC2', 'out_of_scope'],
    ['ValidationException', `${' '.repeat(70_000)}x`, 'out_of_scope'],
    // Services call a throttled request denied.
    ['ThrottlingException', 'Request was denied due to request throttling.', 'granted'],
    ['TooManyRequestsException', 'Request denied. Rate exceeded', 'granted'],
    ['Client.VcpuLimitExceeded', 'You have requested more vCPU capacity than your limit allows', 'granted'],
    ['InvalidInputException', 'You provided a value that does not match the pattern.', 'granted'],
    ['NoSuchEntity', 'The user does not have access keys', 'granted'],
    ['NoSuchEntity', 'The user does not have a permissions boundary.', 'granted'],
    ['ResourceNotFoundException', 'The account has no permission set of this name', 'granted'],
    ['InvalidParameterException', 'You cannot specify permissions with this', 'granted'],
    // A name can be a word of refusals.
    ['ValidationException', "The policy 'denied' is invalid", 'granted'],
    ['NoSuchEntity', 'The policy with name deny-all cannot be found.', 'granted'],
    ['NoSuchEntity', 'Policy arn:aws:iam::1:policy/denied does not exist', 'granted'],
    ['PermissionSetNotFoundException', 'The permission set does not exist', 'granted'],
    ['InvalidParameterValueException', 'The role defined for the function cannot be assumed', 'granted'],
    [undefined, ' ', 'out_of_scope'],
  ])('with the code %s: %s', (errorCode, errorMessage, reason) => {
    const entry = mapped({ errorCode, errorMessage })
    expect(entry.reason).toBe(reason)
    expect(entry.relationPath).toEqual([`error:${errorCode ?? 'unspecified'}`])
    expect(JSON.stringify(entry)).not.toContain('first.last')
  })
})

type SignInRow = [string, object, Reason, string[]]

const NONE = ['error:unspecified']
const STEPS = [
  'CheckMfa',
  'CredentialChallenge',
  'CredentialVerification',
  'SwitchRole',
  'UserAuthentication',
]
const step = (eventName: string, serviceEventDetails: unknown) => ({
  eventName,
  eventType: 'AwsServiceEvent',
  serviceEventDetails,
})
const failed = (responseElements: unknown): SignInRow => [
  `that says ${JSON.stringify(responseElements)}`,
  { responseElements },
  'insufficient_relation',
  NONE,
]
const unclear = (responseElements: unknown): SignInRow => [
  `that says ${JSON.stringify(responseElements)}`,
  { responseElements },
  'out_of_scope',
  NONE,
]

describe('a sign-in', () => {
  const signIn = {
    eventSource: 'signin.amazonaws.com',
    eventName: 'ConsoleLogin',
    eventType: 'AwsConsoleSignIn',
  }

  it.each<SignInRow>([
    ['that succeeded', { responseElements: { ConsoleLogin: 'Success' } }, 'granted', []],
    [
      'that failed',
      { errorMessage: 'Failed authentication', responseElements: { ConsoleLogin: 'Failure' } },
      'insufficient_relation',
      ['error:unspecified'],
    ],
    [
      'that failed without a message',
      { responseElements: { ConsoleLogin: 'Failure' } },
      'insufficient_relation',
      ['error:unspecified'],
    ],
    [
      'with a message alone',
      { errorMessage: 'No username found in supplied account' },
      'insufficient_relation',
      ['error:unspecified'],
    ],
    [
      'with a code',
      { errorCode: 'Failed authentication' },
      'insufficient_relation',
      ['error:Failed_authentication'],
    ],
    [
      'of an older event version',
      { eventType: undefined, errorMessage: 'x' },
      'insufficient_relation',
      ['error:unspecified'],
    ],
    [
      'into another role that failed',
      { eventName: 'SwitchRole', responseElements: { SwitchRole: 'Failure' } },
      'insufficient_relation',
      ['error:unspecified'],
    ],
    [
      'whose second factor failed',
      { eventName: 'CheckMfa', responseElements: { CheckMfa: 'Failure' } },
      'insufficient_relation',
      ['error:unspecified'],
    ],
    [
      'at IAM Identity Center that failed',
      {
        eventSource: 'sso.amazonaws.com',
        eventName: 'CredentialVerification',
        eventType: 'AwsServiceEvent',
        serviceEventDetails: { CredentialVerification: 'Failure' },
      },
      'insufficient_relation',
      ['error:unspecified'],
    ],
    ...[
      { ConsoleLogin: 'failure' },
      { ConsoleLogin: 'Denied' },
      { consoleLogin: 'FAILED' },
      [{ ConsoleLogin: 'Failure' }],
      { ConsoleLogin: ['Failure'] },
      { ConsoleLogin: { result: 'Failure' } },
      { result: { ConsoleLogin: 'Failure' } },
      '{"ConsoleLogin":"Failure"}',
      '[{"ConsoleLogin":"Failure"}]',
      { ConsoleLogin: 'Success', result: 'Failure' },
      { SwitchRole: 'Failure' },
      'Failure',
    ].map(failed),
    [
      'with an error in its answer',
      { responseElements: { errorCode: 'NoSuchEntity' } },
      'insufficient_relation',
      ['error:NoSuchEntity'],
    ],
    ...[undefined, null, '', {}, [], 'x', 7, { ConsoleLogin: null }, { ConsoleLogin: 'Pending' }].map(
      unclear,
    ),
    ...[{ ConsoleLogin: true }, { SwitchRole: 'Success' }, { ConsoleLogin: ['Success', 'x'] }].map(unclear),
    ['that says success in lower case', { responseElements: { ConsoleLogin: 'success' } }, 'granted', []],
    ['that says success in JSON', { responseElements: '{"ConsoleLogin":"Success"}' }, 'granted', []],
    ['of another kind without an answer', { eventName: 'RenewRole' }, 'out_of_scope', ['error:unspecified']],
    ...STEPS.flatMap((eventName): SignInRow[] => [
      [`${eventName} that succeeded`, step(eventName, { [eventName]: 'Success' }), 'granted', []],
      [`${eventName} with another result`, step(eventName, { result: 'Success' }), 'granted', []],
      [`${eventName} that failed`, step(eventName, { result: 'Failure' }), 'insufficient_relation', NONE],
      [`${eventName} without a result`, step(eventName, null), 'out_of_scope', NONE],
    ]),
  ])('%s', (_what, fields, reason, relationPath) => {
    expect(mapped({ ...signIn, ...fields })).toMatchObject({ reason, relationPath })
  })
})

describe('an error in the response of an event', () => {
  const fleet = (errorCode: unknown, more: object = {}) => ({
    CreateFleetResponse: { fleetId: 'f-1', errorSet: { item: { errorCode, ...more } } },
  })
  const sg = { errorMessage: 'You are not authorized to perform this operation.' }

  it.each<[string, object, Reason, string[]]>([
    [
      'for one of many',
      { responseElements: fleet('UnauthorizedOperation') },
      'insufficient_relation',
      ['error:UnauthorizedOperation'],
    ],
    [
      'at the top',
      { responseElements: { errorCode: 'AccessDenied' } },
      'insufficient_relation',
      ['error:AccessDenied'],
    ],
    [
      'in a list',
      { responseElements: { failed: [{ ok: 1 }, { Code: 'AccessDeniedException' }] } },
      'insufficient_relation',
      ['error:AccessDeniedException'],
    ],
    [
      'in JSON',
      { responseElements: JSON.stringify(fleet('AccessDenied')) },
      'insufficient_relation',
      ['error:AccessDenied'],
    ],
    [
      'in the details of a service',
      { serviceEventDetails: { error_code: 'VpceAccessDenied' } },
      'caveat_violation',
      ['error:VpceAccessDenied'],
    ],
    [
      'with a message',
      { responseElements: fleet('InvalidParameterValue', sg) },
      'insufficient_relation',
      ['error:InvalidParameterValue'],
    ],
    [
      'after authorization',
      { responseElements: fleet('InvalidSubnetID.NotFound') },
      'granted',
      ['error:InvalidSubnetID.NotFound'],
    ],
    [
      'of an unknown code',
      { responseElements: fleet('SomethingNew') },
      'out_of_scope',
      ['error:SomethingNew'],
    ],
    [
      'that is worse than that of the event',
      { errorCode: 'ThrottlingException', responseElements: fleet('AccessDenied') },
      'insufficient_relation',
      ['error:AccessDenied'],
    ],
    [
      'that is better than that of the event',
      { errorCode: 'AccessDenied', responseElements: fleet('ThrottlingException') },
      'insufficient_relation',
      ['error:AccessDenied'],
    ],
    ['of the code None', { responseElements: fleet('None') }, 'granted', []],
    ['that is empty', { responseElements: fleet('') }, 'granted', []],
    [
      'that is a status of HTTP',
      { responseElements: { errorCode: 403, responseCode: '200' } },
      'granted',
      [],
    ],
    ['that is a state', { responseElements: { stateReason: { code: 'pending' } } }, 'granted', []],
  ])('%s', (_what, fields, reason, relationPath) => {
    expect(mapped(fields)).toMatchObject({ reason, relationPath })
  })

  it('is found at any depth, and never ends the import', () => {
    const deep = `${'{"a":['.repeat(30)}{"errorCode":"AccessDenied"}${']}'.repeat(30)}`
    expect(mapped({ responseElements: JSON.parse(deep) }).reason).toBe('insufficient_relation')
    expect(mapped({ responseElements: deep }).reason).toBe('insufficient_relation')
    const tooDeep = '['.repeat(100_000) + ']'.repeat(100_000)
    expect(mapped({ responseElements: tooDeep }).reason).toBe('granted')
  })
})

describe('an error code that names the subject', () => {
  it.each([
    'Denied:ann@example.com',
    'Denied:ann%40example.com',
    'Denied ann@EXAMPLE.com',
    'AccessDenied for ann lee',
  ])('%s leaves no step', (errorCode) => {
    const userIdentity = { principalId: 'AROAX:ann@example.com', arn: 'ann lee' }
    const entry = mapped({ userIdentity, errorCode })
    expect(entry.relationPath).toEqual(['error:unspecified'])
    expect(entry.context?.metadata?.error_code).toBe(errorCode)
  })
})
