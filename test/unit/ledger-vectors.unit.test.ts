import { describe, expect, it } from 'vitest'
import { verifyEd25519 } from '../../src/base/crypto/node-ed25519.js'
import { decodeCanonical } from '../../src/chain/canonical.js'
import { nobleHasher } from '../../src/chain/hash.js'
import { isSignedBy, selfSigned } from '../../src/chain/log/row-signature.js'
import { parseSignedRow, type SignedRow } from '../../src/chain/log/signed-row.js'
import { parseCheckpoint } from '../../src/chain/note/checkpoint.js'
import { parseNote } from '../../src/chain/note/note.js'
import { signersOf } from '../../src/chain/note/signers.js'
import { parseVkey, type VerifierKey } from '../../src/chain/note/vkey.js'
import { PLATFORM_OBJECT } from '../../src/chain/self-audit.js'
import { Frontier } from '../../src/chain/tree/frontier.js'
import { PLATFORM_ANCHOR } from '../../src/chain/uuid.js'
import { PROOF_TOOLS } from '../../src/compose/read/proof.js'
import { readProof, verifyProof } from '../../src/proof/verify-proof.js'
import { HASHER, hex, TLOG, unhex } from '../support/tlog-vectors.js'

const { ledger: LEDGER, keys: KEYS, audit_proof: FORGERY } = TLOG
const octets = (text: string) => new TextEncoder().encode(text)

const keyOf = (domainId: string) =>
  parseVkey(
    KEYS.chains.find(({ domain_id, incarnation }) => domain_id === domainId && incarnation === 1)?.vkey ?? '',
  ) as VerifierKey
const PLATFORM_KEY = keyOf(PLATFORM_ANCHOR)
const TENANT = LEDGER.pins[0]?.domain_id ?? ''

const signed = (relation: string, relationPath: readonly string[]) =>
  parseSignedRow({ relation, object: PLATFORM_OBJECT, relationPath })
const isByLog = (row: SignedRow | undefined) =>
  row !== undefined && isSignedBy(row, PLATFORM_KEY.name, [PLATFORM_KEY], verifyEd25519)

/** Returns the root of the first rows of a chain. */
function rootAt(size: number, rows: typeof LEDGER.tenant): string {
  const tree = new Frontier(HASHER)
  for (const { entry_hash } of rows.slice(0, size)) tree.append(unhex(entry_hash))
  return hex(tree.root() ?? new Uint8Array())
}

describe.each([
  ['a Domain', TENANT, LEDGER.tenant, LEDGER.tenant_root, LEDGER.tenant_checkpoint],
  ['the platform', PLATFORM_ANCHOR, LEDGER.platform, LEDGER.platform_root, LEDGER.platform_checkpoint],
] as const)('the chain of %s in the ledger', (_name, domainId, rows, root, checkpoint) => {
  it('has rows that recompute and are linked', () => {
    for (const [at, row] of rows.entries()) {
      expect(nobleHasher.entry(row.prev_hash, unhex(row.canonical))).toBe(row.entry_hash)
      expect(decodeCanonical(unhex(row.canonical))).toMatchObject({ domainId, seq: at + 1 })
      expect(row.prev_hash).toBe(rows[at - 1]?.entry_hash ?? '0'.repeat(64))
    }
  })

  it('has the root that its checkpoint signs', () => {
    const note = parseNote(checkpoint)
    const body = note && parseCheckpoint(note.body)
    expect(rootAt(rows.length, rows)).toBe(root)
    expect(body && { ...body, root: hex(body.root) }).toEqual({
      origin: keyOf(domainId).name,
      size: rows.length,
      root,
    })
    expect(note && signersOf(note, [keyOf(domainId)], verifyEd25519)?.known.size).toBe(1)
  })
})

describe('the signed rows in the ledger', () => {
  const rows = LEDGER.relation_paths.map(({ seq, relation, relation_path }) => ({
    seq,
    row: signed(relation, relation_path),
  }))

  it('have the items of the canonical bytes', () => {
    for (const { seq, relation, relation_path } of LEDGER.relation_paths) {
      const canonical = unhex(LEDGER.platform[seq - 1]?.canonical ?? '')
      expect(decodeCanonical(canonical)).toMatchObject({ relation, relationPath: relation_path })
    }
  })

  it('name the keys of both chains', () => {
    const { row } = rows.find((one) => one.row?.relation === 'audit.log-key') ?? {}
    if (row?.relation !== 'audit.log-key') throw new Error('expected a row of keys')
    expect(selfSigned(row, verifyEd25519)).toEqual(PLATFORM_KEY)
    expect(row.keys.map(({ domainId, publicKey }) => [domainId, hex(publicKey)])).toEqual(
      [TENANT, PLATFORM_ANCHOR].map((id) => [id, hex(keyOf(id).publicKey)]),
    )
  })

  it('pin the heads of both chains', () => {
    const heads = rows.flatMap(({ seq, row }) =>
      row?.relation === 'audit.checkpoint' && isByLog(row)
        ? row.heads.map((head) => ({
            domain_id: head.domainId,
            size: head.size,
            root: head.root,
            entry_hash: head.entryHash,
            platform_seq: seq,
          }))
        : [],
    )
    expect(heads).toEqual(LEDGER.pins)
    for (const { domain_id, size, root, entry_hash } of LEDGER.pins) {
      const chain = domain_id === TENANT ? LEDGER.tenant : LEDGER.platform
      expect([rootAt(size, chain), chain[size - 1]?.entry_hash]).toEqual([root, entry_hash])
    }
  })

  it('do not include one that a writer without the key forges', () => {
    expect(isByLog(signed('audit.checkpoint', LEDGER.forged_row.relation_path))).toBe(false)
  })
})

describe('the proofs of a row and of the platform row with its head', () => {
  const proofs = (text: string) => {
    const { proof, platform_proof } = JSON.parse(text) as { proof: string; platform_proof: string }
    return [proof, platform_proof].map((file) =>
      verifyProof(readProof(octets(file), octets(LEDGER_POLICY), PROOF_TOOLS), undefined, PROOF_TOOLS),
    )
  }
  const LEDGER_POLICY = `${[TENANT, PLATFORM_ANCHOR].map((id) => `log ${KEYS.chains.find((key) => key.domain_id === id)?.vkey}`).join('\n')}\nquorum none\n`

  it('prove both', () => {
    expect(proofs(FORGERY.valid)).toMatchObject([
      { code: 'proven', domainId: TENANT, seq: 3 },
      { code: 'proven', domainId: PLATFORM_ANCHOR, seq: 5 },
    ])
  })

  it.each(FORGERY.refused)('prove a row that the log did not sign as a row only: $why', ({ text }) => {
    const [, platform] = proofs(text)
    if (platform?.code !== 'proven' || platform.entry === undefined) throw new Error('expected a proven row')
    expect(isByLog(signed(platform.entry.relation, platform.entry.relationPath))).toBe(false)
  })
})
