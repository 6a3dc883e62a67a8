import { createPrivateKey, createPublicKey, type KeyObject, sign } from 'node:crypto'
import { seedOf } from '../../src/chain/log/log-seed.js'
import { originOf } from '../../src/chain/log/origin.js'
import type { ChainRef, HeadItem } from '../../src/chain/log/row-items.js'
import { rowMessage } from '../../src/chain/log/row-signature.js'
import { SIGNED_RELATION, type SignableRow } from '../../src/chain/log/signed-row.js'
import { encodeBase64 } from '../../src/chain/note/base64.js'
import { KEY_TYPE, type VerifierKey, verifierKey } from '../../src/chain/note/vkey.js'
import { PLATFORM_OBJECT } from '../../src/chain/self-audit.js'
import { PLATFORM_ANCHOR } from '../../src/chain/uuid.js'

/** The bytes of a PrivateKeyInfo before the 32 bytes of an Ed25519 seed (RFC 8410). */
const PKCS8 = Buffer.from('302e020100300506032b657004220420', 'hex')

export const PLATFORM: ChainRef = { domainId: PLATFORM_ANCHOR, incarnation: 1 }

/** An Ed25519 key of one tree, for tests. */
export interface TestKey {
  readonly key: VerifierKey
  readonly sign: (message: Uint8Array) => Uint8Array
}

/** Signs the rows of one log, for tests. It shares the format with the product, and nothing of its signer. */
export class LogSigner {
  constructor(
    readonly logName: string,
    /** The 32 bytes of the key file. */
    readonly seed: Uint8Array,
  ) {}

  originOf(chain: ChainRef): string {
    return originOf({ logName: this.logName, ...chain })
  }

  keyOf(chain: ChainRef): TestKey {
    const seed = seedOf(this.seed, chain.domainId, chain.incarnation)
    const secret = createPrivateKey({ key: Buffer.concat([PKCS8, seed]), format: 'der', type: 'pkcs8' })
    const key = verifierKey(this.originOf(chain), KEY_TYPE.ed25519, publicBytes(secret))
    return { key, sign: (message) => new Uint8Array(sign(null, message, secret)) }
  }

  get platform(): TestKey {
    return this.keyOf(PLATFORM)
  }

  keyItem(chain: ChainRef, fromSize = 0): string {
    const { publicKey } = this.keyOf(chain).key
    return `key:${chain.domainId}:${chain.incarnation}:${fromSize}:${encodeBase64(publicKey)}`
  }

  /** Returns a row with these items, and the signatures of the platform keys of these signers. */
  row(relation: string, items: readonly string[], signers: readonly LogSigner[] = [this]): SignableRow {
    const message = rowMessage(this.originOf(PLATFORM), { relation: relation as never, items })
    const sigs = signers.map(
      ({ platform }) => `sig:${platform.key.id}:${encodeBase64(platform.sign(message))}`,
    )
    return { relation, object: PLATFORM_OBJECT, relationPath: [...items, ...sigs] }
  }

  /** Returns the row that names the keys of these chains. */
  keyRow(chains: readonly ChainRef[], fromSize = 0): SignableRow {
    const keys = ascending(chains).map((chain) => this.keyItem(chain, fromSize))
    return this.row(SIGNED_RELATION.logKey, [`log:${this.logName}`, ...keys])
  }

  /** Returns the row by which this signer's keys succeed those of `before`. */
  successorRow(before: LogSigner, fromSizes: readonly (ChainRef & { readonly size: number })[]): SignableRow {
    const keys = ascending(fromSizes).map((chain) => this.keyItem(chain, chain.size))
    const replaces = `replaces:${encodeBase64(before.platform.key.publicKey)}`
    return this.row(SIGNED_RELATION.logKey, [`log:${this.logName}`, ...keys, replaces], [before, this])
  }

  headRow(heads: readonly HeadItem[]): SignableRow {
    const items = ascending(heads).map(
      ({ domainId, incarnation, size, root, entryHash }) =>
        `head:${domainId}:${incarnation}:${size}:${root}:${entryHash}`,
    )
    return this.row(SIGNED_RELATION.checkpoint, items)
  }
}

function ascending<T extends ChainRef>(chains: readonly T[]): T[] {
  return [...chains].sort((one, other) => (one.domainId < other.domainId ? -1 : 1))
}

function publicBytes(secret: KeyObject): Uint8Array {
  return new Uint8Array(createPublicKey(secret).export({ format: 'der', type: 'spki' }).subarray(-32))
}
