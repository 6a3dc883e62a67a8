import { describe, expect, it } from 'vitest'
import { checkpointKey, keyStatementKey } from '../../src/chain/log/object-keys.js'
import { parseOrigin } from '../../src/chain/log/origin.js'
import { parseSignerState } from '../../src/chain/log/signer-state.js'
import { keepStatement } from '../../src/signer/keep.js'
import { publicKeyOf } from '../../src/signer/known-log.js'
import { logKeys } from '../../src/signer/log-keys.js'
import { bodyOf, keptCheckpointText, signedNote } from '../../src/signer/signed-note.js'
import { TLOG, unhex } from '../support/tlog-vectors.js'

const keys = logKeys(unhex(TLOG.keys.log_seed), 'audit.example.com/tlog')
const states = TLOG.signer_state.flatMap((text) => parseSignerState(text) ?? [])
const kept = new Map(TLOG.kept.map((one) => [one.size, one]))

describe('the objects of an independent implementation', () => {
  it.each(states.filter(({ size }) => kept.has(size)))('the kept checkpoint of size $size', (state) => {
    const { domainId = '' } = parseOrigin(state.origin) ?? {}
    const key = keys.of({ domainId, incarnation: 1 })
    const note = signedNote(state, key, publicKeyOf(key))
    expect(keptCheckpointText(state, note)).toBe(kept.get(state.size)?.text)
    expect(checkpointKey(domainId, state.size, bodyOf(state))).toBe(kept.get(state.size)?.key)
  })

  it('are found in the vectors', () => {
    expect(states.filter(({ size }) => kept.has(size)).length).toBeGreaterThan(0)
  })

  it('the key statement', async () => {
    const { key: name, text } = TLOG.signed_rows.statement
    const domainId = name.split('/')[1] ?? ''
    const key = keys.of({ domainId, incarnation: 1 })
    const created = new Map<string, string>()
    const store = {
      create: async (at: string, bytes: Uint8Array) => {
        created.set(at, new TextDecoder().decode(bytes))
        return { created: true, etag: '' }
      },
    }
    const known = { fromSize: 0, publicKey: key.publicKey, key: publicKeyOf(key) }
    const chain = { domainId, incarnation: 1 }
    await keepStatement(chain, known, keys, store as never, new AbortController().signal)
    expect([...created]).toEqual([[name, text]])
    expect(keyStatementKey(domainId, text)).toBe(name)
  })
})

it('throws for a public key that is not that of the key', () => {
  const [state] = states
  const { domainId = '' } = parseOrigin(state?.origin ?? '') ?? {}
  const key = keys.of({ domainId, incarnation: 1 })
  const other = publicKeyOf(keys.of({ domainId, incarnation: 2 }))
  expect(() => signedNote(state as never, key, other)).toThrow(/does not verify/)
})
