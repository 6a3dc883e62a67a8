/**
 * The error codes of AWS by what they say about the decision. Codes are compared as AWS writes them, upper and lower case
 * included, without a prefix `Client.` or `Server.`, without a namespace, and without `Exception`, `Fault` or `Error` at the end.
 *
 * How the list was reviewed: against the 2,959 error codes that the service models of botocore 1.43.107 declare, against the
 * common errors of the AWS query APIs, the error codes of Amazon EC2 and S3, and the events in docs/demo. The forms below were
 * run over all of those codes. Every code that a form accepts and that mentions access, accounts, credentials, tokens, sessions,
 * passwords, keys, permissions or users was read, and those that can mean "this caller was not let through" became an
 * exception. A code that no form accepts is not called granted: add it here once its meaning is known.
 */

/** A refusal, in any code that contains one of these. */
export const REFUSED = /AccessDenied|Unauthorized|NotAuthorized|Forbidden|AuthorizationError/

/** A refusal by the condition of a policy: the policy of a VPC endpoint. */
export const REFUSED_BY_CONDITION = /^VpceAccessDenied$/

/** A request beyond a limit, which services also call denied. */
export const THROTTLED = /Throttl|TooManyRequests|LimitExceeded|RateExceeded|SlowDown/

/** Failures after authorization, by the form of the code. */
export const AFTER_AUTHORIZATION_FORMS: readonly RegExp[] = [
  // Not found.
  /(?:NotFound|NotExists?|NonExistent\w*|NotRegistered)$/,
  /^NoSuch[A-Z]\w*$/,
  /^Unknown(?:Resource|Snapshot|Topic)\w*$/,
  // Exists, in use, or in another state.
  /(?:AlreadyExists?|Exists|AlreadyOwnedByYou|AlreadyInUse|InUse|AlreadyRegistered|AlreadyAssociated|AlreadyAttached)$/,
  /^Duplicate\w*$|\.Duplicate$/,
  /(?:Conflict|NotEmpty|InProgress|ConcurrentModification|NotReady|PendingModification)$/,
  /^Incorrect\w*State$|^IllegalState$|InvalidState$|StateInvalid$/,
  // Throttled, or beyond a limit.
  /(?:Throttled|Throttling|Throttle|ThrottledRequest|ThrottledClient|TooManyRequests|Limits?Exceeded|QuotaExceeded|LimitReached|SizeExceeded|LengthExceeded)$/,
  /^TooMany[A-Z]\w*$|TooLarge$|TooLong$|TooSmall$/,
  /^Insufficient\w*Capacity\w*$/,
  // Invalid.
  /\.(?:Malformed|Invalid|Range|Unsupported|Format)$/,
  /^Malformed\w+$/,
  /^Invalid(?!\w*(?:Access|Account|Auth|Client|Credential|Grant|Identity|Login|MFA|Mfa|Passw|Payer|Permission|Principal|Role|Scope|Secret|Security(?!Group)|Session|Signature|Token|User|KeyId|Caller))\w+(?:\.\w+)*$/,
  // Internal.
  /^Internal\w*$|^Service(?:Unavailable|Failure|TemporarilyUnavailable|InternalError)$/,
]

/** Failures after authorization that have no form of their own. */
export const AFTER_AUTHORIZATION: ReadonlySet<string> = new Set([
  'BadRequest',
  'ConditionalCheckFailed',
  'DeleteConflict',
  'DependencyViolation',
  // The request was permitted, and would have succeeded without the flag DryRun.
  'DryRunOperation',
  'EntityTemporarilyUnmodifiable',
  'IdempotentParameterMismatch',
  'InvalidClientRequestToken',
  'InvalidContinuationToken',
  'InvalidNextToken',
  'InvalidPaginationToken',
  'InvalidSequenceToken',
  'KMSInternal',
  'MissingParameter',
  'MissingParameterValue',
  'MissingRequiredParameter',
  'NotImplemented',
  'NotStabilized',
  'OperationAborted',
  'OptimisticLock',
  'PreconditionFailed',
  'PriorRequestNotComplete',
  'ProvisionedThroughputExceeded',
  'RateExceeded',
  'RequestTimeout',
  'RequestTimedOut',
  'ResourceLimit',
  'ServerInternal',
  'SlowDown',
  'TransactionCanceled',
  'TransactionConflict',
  'Unavailable',
  'UnmodifiableEntity',
  'UnprocessableEntity',
  'UnsupportedOperation',
  'UnsupportedMediaType',
  'Validation',
])

/** Codes that a form accepts, although they can be the answer to a sign-in that failed. */
export const NOT_AFTER_AUTHORIZATION: ReadonlySet<string> = new Set([
  'AccountNotFound',
  'AccountNotRegistered',
  'MFAMethodNotFound',
  'SoftwareTokenMFANotFound',
  'TooManyFailedAttempts',
  'UserNotFound',
  'UserNotRegistered',
  'WebAuthnChallengeNotFound',
])
