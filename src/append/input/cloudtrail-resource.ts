import { z } from 'zod'

/** One of an event's resources. A prefix stands for all that begins so. */
export const resourceSchema = z.object({
  ARN: z.string().nullish(),
  ARNPrefix: z.string().nullish(),
  type: z.string().nullish(),
})

export type Resource = z.output<typeof resourceSchema>

/** Kinds of resource that are a person, and the object type that makes the sink store a pseudonym for them. */
const PEOPLE: Readonly<Record<string, string>> = {
  user: 'user',
  dbuser: 'user',
  identity: 'identity',
  assumedrole: 'identity',
  federateduser: 'identity',
  mfa: 'identity',
  smsmfa: 'identity',
  u2f: 'identity',
  virtualmfadevice: 'identity',
  accesskey: 'apikey',
  apikey: 'apikey',
  apikeys: 'apikey',
}

/**
 * The object `type:id` of a resource, undefined where it has no ARN. The id is the ARN, for names alone are not unique
 * across accounts and regions; an IAM ARN goes without its path, as IAM names are unique in an account without it, and
 * the path of a service-linked role is the service's own name, which is who acts in those events. The type is
 * `<service>/<kind>`, so that it is never one that residency knows; of a person `user`, `identity` or `apikey`.
 */
export function objectOfResource({ ARN, ARNPrefix, type }: Resource): string | undefined {
  const arn = ARN ?? ARNPrefix ?? ''
  const [prefix, , service = '', , , ...rest] = arn.split(':')
  if (prefix !== 'arn' || service === '' || rest.length === 0) return undefined
  const kind = kindOf(service, rest.join(':'), type ?? '')
  const person = PEOPLE[kind.replaceAll('-', '')]
  if (person !== undefined) return `${person}:${arn}`
  return `${service}/${kind}:${service === 'iam' ? withoutPath(arn) : arn}`.replace(/^[^:]*/, lowerCase)
}

/** The kind as the event names it (`AWS::S3::Bucket`), else as its ARN does (`role/…`, `secret:…`). */
function kindOf(service: string, resource: string, type: string): string {
  const named = /^AWS::\w+::(\w+)$/.exec(type)?.[1] ?? kindInArn(service, resource)
  return named.toLowerCase()
}

function kindInArn(service: string, resource: string): string {
  // S3 names no kind: what stands before the slash is the bucket.
  if (service === 's3') return resource.includes('/') ? 'object' : 'bucket'
  return /^\/?([A-Za-z][A-Za-z0-9_-]*)[/:]/.exec(resource)?.[1] ?? 'resource'
}

/** `arn:aws:iam::1:role/some/path/Name` to `arn:aws:iam::1:role/Name` */
function withoutPath(arn: string): string {
  return arn.replace(/\/.*\//, '/')
}

function lowerCase(text: string): string {
  return text.toLowerCase()
}
