import { describe, expect, it } from 'vitest'
import {
  type Chains,
  chainsGiven,
  chainsResolved,
  createResolver,
  DefaultChains,
} from '../../src/append/residency.js'
import type { ErrorCode } from '../../src/base/errors.js'
import { PLATFORM_ANCHOR } from '../../src/chain/uuid.js'
import type { DomainResolver } from '../../src/ports/append.js'

const A = '0190a8b8-a0c0-7a0a-8a0a-a0a0a0a0a0a1'
const B = '0190a8b8-a0c0-7a0a-8a0a-a0a0a0a0a0a2'
const STRANGER = '0190a8b8-a0c0-7a0a-8a0a-a0a0a0a0a0ff'
const NIL = '00000000-0000-0000-0000-000000000000'

const resolver = createResolver(async (domainId) => domainId === A || domainId === B)

interface Request {
  readonly named: Chains
  readonly defaults: Chains
  readonly subjectId: string
  readonly object: string
}

async function chainsOfEntry({ named, defaults, subjectId, object }: Request, asked: DomainResolver) {
  const given = chainsGiven({ ...named, object }, new DefaultChains(defaults))
  return given ?? (await chainsResolved({ subjectId, object }, asked))
}

const chainsFor = (object: string, named: Chains = {}, defaults: Chains = {}) =>
  chainsOfEntry({ named, defaults, subjectId: 's', object }, resolver)

describe('the chains of an entry', () => {
  it.each<[string, Chains, Chains, string[]]>([
    [`domain:${A}`, {}, {}, [A]],
    [`domain:${A.toUpperCase()}`, {}, {}, [A]],
    ['cloud:aws-1', {}, {}, [PLATFORM_ANCHOR]],
    ['platform:platform', {}, {}, [PLATFORM_ANCHOR]],
    ['label:tier', {}, {}, [PLATFORM_ANCHOR]],
    ['server:1', { domainIds: [A] }, {}, [A]],
    ['server:1', {}, { domainIds: [A] }, [A]],
    ['server:1', { domainIds: [B, A, B.toUpperCase()] }, {}, [A, B]],
    ['server:1', { domainIds: [B] }, { domainIds: [A] }, [B]],
    ['server:1', { domainIds: [B] }, { platform: true }, [B]],
    ['server:1', { platform: true }, { domainIds: [A] }, [PLATFORM_ANCHOR]],
    ['server:1', {}, { platform: true }, [PLATFORM_ANCHOR]],
    ['server:1', { platform: false }, { domainIds: [A] }, [A]],
    ['label:tier', { domainIds: [A] }, {}, [A]],
    ['cloud:aws-1', {}, { platform: true }, [PLATFORM_ANCHOR]],
    [`domain:${A}`, { domainIds: [B, A] }, {}, [A, B]],
    ['domains:1', { domainIds: [A] }, {}, [A]],
    // The store checks that a named Domain exists.
    ['server:1', { domainIds: [STRANGER] }, {}, [STRANGER]],
  ])('puts %s, named %o, defaults %o on %o', async (object, named, defaults, chains) => {
    expect(await chainsFor(object, named, defaults)).toEqual(chains)
  })

  it.each<[string, Chains, Chains, ErrorCode]>([
    ['server:1', {}, {}, 'residency_unknown'],
    ['user:1', {}, {}, 'residency_unknown'],
    [`domains:${A}`, {}, {}, 'residency_unknown'],
    ['domain', {}, {}, 'residency_unknown'],
    ['', {}, {}, 'residency_unknown'],
    [`domain:${STRANGER}`, {}, {}, 'residency_unknown'],
    [`domain:${NIL}`, {}, {}, 'residency_unknown'],
    [`domain:${PLATFORM_ANCHOR}`, {}, {}, 'residency_unknown'],
    ['domain:acme', {}, {}, 'residency_unknown'],
    ['domain:acme', { domainIds: [A] }, {}, 'residency_unknown'],
    [`domain:${PLATFORM_ANCHOR}`, { platform: true }, {}, 'residency_unknown'],
    [`domain:${A}`, { domainIds: [B] }, {}, 'residency_unknown'],
    [`domain:${A}`, {}, { domainIds: [B] }, 'residency_unknown'],
    [`domain:${A}`, { platform: true }, {}, 'residency_unknown'],
    [`domain:${A}`, {}, { platform: true }, 'residency_unknown'],
    ['cloud:aws-1', { domainIds: [A] }, {}, 'residency_unknown'],
    ['platform:x', {}, { domainIds: [A] }, 'residency_unknown'],
    ['server:1', { domainIds: [A], platform: true }, {}, 'residency_unknown'],
    ['server:1', {}, { domainIds: [A], platform: true }, 'residency_unknown'],
    ['server:1', { domainIds: [PLATFORM_ANCHOR] }, {}, 'residency_unknown'],
    ['server:1', {}, { domainIds: [PLATFORM_ANCHOR.toUpperCase()] }, 'residency_unknown'],
    ['server:1', { domainIds: [NIL] }, {}, 'invalid_domain_id'],
    ['server:1', {}, { domainIds: [''] }, 'invalid_domain_id'],
  ])('refuses %s, named %o, defaults %o with %s', async (object, named, defaults, code) => {
    await expect(chainsFor(object, named, defaults)).rejects.toMatchObject({ name: 'AuditError', code })
  })

  it('asks the resolver only where no chain is named', async () => {
    const never = { resolve: () => Promise.reject(new Error('asked')) }
    const request = { named: {}, defaults: { domainIds: [A] }, subjectId: 's', object: 'server:1' }
    expect(await chainsOfEntry(request, never)).toEqual([A])
  })

  it('applies the same rules to the answer of every resolver', async () => {
    const guessing = { resolve: async () => [B, A, B] }
    const request = { named: {}, defaults: {}, subjectId: 's', object: 'server:1' }
    expect(await chainsOfEntry(request, guessing)).toEqual([A, B])
    await expect(chainsOfEntry({ ...request, object: 'cloud:1' }, guessing)).rejects.toMatchObject({
      code: 'residency_unknown',
    })
  })
})
