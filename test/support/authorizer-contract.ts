import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { AccessObject, AccessRelation, Authorizer } from '../../src/ports/access.js'
import type { RelationTuple } from '../../src/ports/relations.js'
import { NEVER } from './access-fixture.js'

/** An authorizer and the means to change its relations. */
export interface Governed {
  readonly authorizer: Authorizer
  grant(...tuples: readonly RelationTuple[]): Promise<void>
  revoke(...tuples: readonly RelationTuple[]): Promise<void>
  close(): Promise<void>
}

const D: AccessObject = 'domain:018f0000-0000-7000-8000-00000000000d'
const E: AccessObject = 'domain:018f0000-0000-7000-8000-00000000000e'
const UNKNOWN: AccessObject = 'domain:018f0000-0000-7000-8000-0000000000ff'
const PLATFORM: AccessObject = 'platform:platform'
const OBJECTS = { D, E, UNKNOWN, PLATFORM }
const RELATIONS: readonly AccessRelation[] = ['auditor', 'manage', 'owner']

const DEEP = Array.from({ length: 10 }, (_, i) => `deep${i}`)
const LONG = 'l'.repeat(512)

const on = (object: RelationTuple['object'], relation: RelationTuple['relation'], ...subjects: string[]) =>
  subjects.map((subject): RelationTuple => ({ object, relation, subject }))
const members = (group: string, ...subjects: string[]) => on(`group:${group}`, 'member', ...subjects)

const WORLD: readonly RelationTuple[] = [
  ...on(D, 'owner', 'user:olga', 'user:both'),
  ...on(D, 'admin', 'user:adam', 'group:admins#member'),
  ...on(D, 'auditor', 'user:audrey', 'user:both', 'service:ci', 'user:alice@example.com', `user:${LONG}`),
  ...on(D, 'auditor', 'group:auditors#member', 'group:a#member', 'group:deep0#member', 'group:self#member'),
  ...on(D, 'member', 'user:mia', 'group:everybody#member'),
  ...on(E, 'auditor', 'user:eve', 'group:inner#member'),
  ...on(E, 'owner', 'group:admins#member'),
  ...on(PLATFORM, 'auditor', 'user:pat'),
  ...on(PLATFORM, 'owner', 'user:pol'),
  ...members('auditors', 'user:gus', 'service:nightly', 'group:inner#member'),
  ...members('inner', 'user:ivy'),
  ...members('admins', 'user:ada'),
  ...members('everybody', 'user:zoe', 'group:auditors#member'),
  // These groups contain each other and themselves.
  ...members('a', 'group:b#member'),
  ...members('b', 'group:c#member', 'user:bo'),
  ...members('c', 'group:a#member', 'user:cy'),
  ...members('self', 'group:self#member', 'user:sel'),
  ...DEEP.slice(1).flatMap((group, i) => members(DEEP[i] ?? '', `group:${group}#member`)),
  ...members(DEEP.at(-1) ?? '', 'user:dee'),
]

/** The permissions that must be granted. Every other one must be denied. */
const ALLOWED: readonly (readonly [subject: string, ...allowed: string[]])[] = [
  ['user:olga', 'D manage', 'D owner'],
  ['user:adam', 'D manage'],
  ['user:audrey', 'D auditor'],
  ['user:mia'],
  ['user:both', 'D auditor', 'D manage', 'D owner'],
  ['service:ci', 'D auditor'],
  ['user:eve', 'E auditor'],
  ['user:pat', 'PLATFORM auditor'],
  ['user:pol', 'PLATFORM manage', 'PLATFORM owner'],
  ['user:gus', 'D auditor'],
  ['service:nightly', 'D auditor'],
  ['user:ivy', 'D auditor', 'E auditor'],
  ['user:ada', 'D manage', 'E manage', 'E owner'],
  ['user:zoe'],
  ['user:bo', 'D auditor'],
  ['user:cy', 'D auditor'],
  ['user:sel', 'D auditor'],
  ['user:dee', 'D auditor'],
  ['user:alice@example.com', 'D auditor'],
  [`user:${LONG}`, 'D auditor'],
  ['user:stranger'],
  // Names that resemble others.
  ['service:audrey'],
  ['user:ci'],
  ['user:Audrey'],
  ['user:audrey '],
  ['user:audre'],
  ['user:auditors'],
  ['user:auditors#member'],
  ['user:*'],
  ['user:%'],
  ["user:' OR true --"],
  ['user:alice=40example=2Ecom'],
  ['user:\u0430udrey'],
  [`user:${LONG}l`],
  [`user:${'é'.repeat(500)}`],
]

/** Checks what every authorizer must decide, whatever stores its relations. */
export function describeAuthorizer(name: string, make: () => Promise<Governed>): void {
  describe(`the contract of an authorizer: ${name}`, () => {
    let governed: Governed

    beforeAll(async () => {
      governed = await make()
      await governed.grant(...WORLD)
    })

    afterAll(() => governed?.close())

    const check = (subject: string, relation: AccessRelation, object: AccessObject) =>
      governed.authorizer.check(subject, relation, object, NEVER)

    it.each(ALLOWED)('grants %s exactly its permissions', async (subject, ...allowed) => {
      const may: string[] = []
      for (const [label, object] of Object.entries(OBJECTS)) {
        for (const relation of RELATIONS) {
          const decision = await check(subject, relation, object)
          if (decision.allowed) may.push(`${label} ${relation}`)
          else expect(decision).toEqual({ allowed: false, reason: 'insufficient_relation' })
        }
      }
      expect(may).toEqual(allowed)
    })

    it('sees a relation as soon as it is granted or revoked', async () => {
      const [direct] = on(E, 'auditor', 'user:brief')
      const [joined] = members('inner', 'user:brief')
      if (direct === undefined || joined === undefined) throw new Error('no tuples')
      const may = async () => (await check('user:brief', 'auditor', E)).allowed
      const seen = [await may()]
      for (const step of [
        () => governed.grant(direct),
        () => governed.grant(joined),
        () => governed.revoke(direct),
        () => governed.revoke(joined),
      ]) {
        await step()
        seen.push(await may())
      }
      expect(seen).toEqual([false, true, true, true, false])
    })

    it('answers concurrent checks', async () => {
      const asked = ALLOWED.slice(0, 20).map(([subject]) => check(subject, 'auditor', D))
      const allowed = (await Promise.all(asked)).map((decision) => decision.allowed)
      expect(allowed).toEqual(ALLOWED.slice(0, 20).map(([, ...may]) => may.includes('D auditor')))
    })
  })
}
