import { z } from 'zod'

/** One resource of an event. A prefix means every resource whose ARN begins with it. */
export const resourceSchema = z.object({
  ARN: z.string().nullish(),
  ARNPrefix: z.string().nullish(),
  type: z.string().nullish(),
})

export type Resource = z.output<typeof resourceSchema>

/** The kinds of resource that are a person, each with the object type that makes the sink store a pseudonym. */
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
 * Returns the object `type:id` of a resource, or undefined where it has no ARN. The id is the ARN, because names alone are
 * not unique across accounts and regions. An IAM ARN loses its path: IAM names are unique in an account without it, and
 * the path of a service-linked role is the name of the service, which is the subject of those events. The type is
 * `<service>/<kind>`, so that it is never a type that residency knows; for a person it is `user`, `identity` or `apikey`.
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

/** Returns the kind that the event names (`AWS::S3::Bucket`), otherwise the kind in the ARN (`role/…`, `secret:…`). */
function kindOf(service: string, resource: string, type: string): string {
  const named = /^AWS::\w+::(\w+)$/.exec(type)?.[1] ?? kindInArn(service, resource)
  return named.toLowerCase()
}

function kindInArn(service: string, resource: string): string {
  // S3 ARNs have no kind: the text before the slash is the bucket.
  if (service === 's3') return resource.includes('/') ? 'object' : 'bucket'
  return /^\/?([A-Za-z][A-Za-z0-9_-]*)[/:]/.exec(resource)?.[1] ?? 'resource'
}

/** Returns `arn:aws:iam::1:role/Name` for `arn:aws:iam::1:role/some/path/Name`. */
function withoutPath(arn: string): string {
  return arn.replace(/\/.*\//, '/')
}

function lowerCase(text: string): string {
  return text.toLowerCase()
}
