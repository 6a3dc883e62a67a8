import type { FileHandle } from 'node:fs/promises'
import { describe, expect, it } from 'vitest'
import { nodeHasher } from '../../src/base/node-hasher.js'
import { readMembers } from '../../src/bundle/bundle-members.js'
import { BundleSource } from '../../src/bundle/bundle-source.js'
import { readManifest } from '../../src/bundle/manifest.js'
import { verifyChain } from '../../src/verify/verify-chain.js'
import { ROWS, whole } from '../support/bundle-attacks/attack.js'
import { built } from '../support/bundle-attacks/bundle.js'

const never = new AbortController().signal

/** A file on a disk that fails from `end` on. */
function failingFile(bytes: Buffer, end: number): FileHandle {
  let at = 0
  const read = async (into: Buffer, offset: number, length: number) => {
    if (at + length > end) throw Object.assign(new Error('read'), { code: 'EIO' })
    const bytesRead = bytes.copy(into, offset, at, at + length)
    at += bytesRead
    return { bytesRead }
  }
  return { read } as unknown as FileHandle
}

async function verified(pins: readonly { seq: number; hash: string }[]) {
  const bytes = built(whole())
  const members = readMembers(failingFile(bytes, bytes.length - 1024))
  const manifest = readManifest((await members.next()).value?.content ?? Buffer.alloc(0))
  const source = new BundleSource(manifest, members, nodeHasher)
  return verifyChain(source, { domainId: manifest.domain_id, fromSeq: 1, pins }, () => {}, never)
}

describe('an evidence file whose end cannot be read', () => {
  it('cannot be verified where nothing was found before', async () => {
    await expect(verified([])).rejects.toMatchObject({ code: 'file_unreadable' })
  })

  it('keeps what was found before, and says why the rest was not judged', async () => {
    const { ok, findings, doubts } = await verified([{ seq: 2, hash: 'f'.repeat(64) }])
    expect(ok).toBe(false)
    expect(findings).toMatchObject([{ code: 'unexpected_head', observed: ROWS[1]?.entryHash }])
    expect(doubts).toMatchObject([{ code: 'file_unreadable' }])
  })
})
