import { broken, type ExpectedFinding, HEADS, mismatch, unexpected } from '../attacks/attack.js'
import { A, a, B, b, computed, type PlainRow, rehashed, rewritten } from '../attacks/chains.js'
import { bomb, SKIPPABLE } from '../zstd-frames.js'
import { at, differ, diverged, intact, type MirrorAttack, unreadable } from './attack.js'
import type { MirrorCopy } from './mirror-copy.js'
import { keyOf } from './objects.js'

const F = 'f'.repeat(64)
const MIRROR_TOUCHED = /copies_differ .*the mirror was changed; the chain in PostgreSQL is intact/

/** An object that no reader accepts; Postgres has its row. */
function malformed(
  name: string,
  objects: (mirror: MirrorCopy) => Promise<unknown>,
  findings = [unreadable(4)],
): MirrorAttack {
  return { name, objects, mirror: diverged(findings), both: diverged(findings, /: mirror: /) }
}

/** A well-formed object that holds another row than Postgres. */
function rewrote(name: string, row: PlainRow, findings: readonly ExpectedFinding[]): MirrorAttack {
  const here = findings.filter(({ seq_from }) => seq_from <= row.seq)
  const after = findings.filter(({ seq_from }) => seq_from > row.seq)
  const both = [...here, differ(a(row.seq), row), ...after]
  return {
    name,
    objects: (mirror) => mirror.write(row),
    mirror: diverged(findings),
    both: diverged(both, MIRROR_TOUCHED),
  }
}

const edited = { ...a(4), relation: 'project.delete' }
const forged = rehashed(edited)
const unlinked = { ...a(4), prevHash: F }
const relinked = rehashed(unlinked)
const last = rehashed({ ...a(8), reason: 3 })
const genesis = { ...a(1), object: `domain:${B}` }
const suffix = rewritten(4, { relation: 'project.read' })
const rewriteSuffix = async (mirror: MirrorCopy) => {
  for (const row of suffix) await mirror.write(row)
}
const rewrittenFrom4 = differ(a(4), suffix[0] ?? a(4), 8)
const pinned = ['--domain', A, '--expect-head', `8:${a(8).entryHash}`]
const convicted = unexpected(8, { expected: a(8).entryHash, observed: suffix.at(-1)?.entryHash ?? '' })

const EDITED: readonly MirrorAttack[] = [
  malformed('edited: a field', (mirror) => mirror.write(a(4), { relation: 'project.delete' })),
  malformed('edited: recorded_at', (mirror) =>
    mirror.write(a(4), { recorded_at: '2026-01-01T00:00:04.000002Z' }),
  ),
  malformed('edited: the canonical bytes alone', (mirror) =>
    mirror.write(a(4), { canonical_bytes: Buffer.from('PXA1').toString('base64') }),
  ),
  malformed('edited: a field more', (mirror) => mirror.write(a(4), { note: 'x' })),
  malformed(
    'edited: two neighbours',
    async (mirror) => {
      await mirror.write(a(4), { object: 'project:x' })
      await mirror.write(a(5), { object: 'project:x' })
    },
    [unreadable(4, 5)],
  ),
  rewrote('edited: a field and the canonical bytes', edited, [mismatch(edited)]),
  rewrote('edited: entry_hash', { ...a(4), entryHash: F }, [
    mismatch({ ...a(4), entryHash: F }),
    broken(5, F, a(5).prevHash),
  ]),
  rewrote('edited: prev_hash', unlinked, [broken(4, a(3).entryHash, F)]),
  rewrote('edited: the genesis row', genesis, [mismatch(genesis)]),
  rewrote('edited and rehashed: a field', forged, [broken(5, forged.entryHash, a(5).prevHash)]),
  {
    ...rewrote('edited and rehashed: prev_hash', relinked, []),
    mirror: diverged([broken(4, a(3).entryHash, F, 5)]),
    both: diverged([broken(4, a(3).entryHash, F, 5), differ(a(4), relinked)], MIRROR_TOUCHED),
  },
  {
    name: 'edited and rehashed: the last row, which no row links to',
    objects: (mirror) => mirror.write(last),
    mirror: intact,
    both: diverged([differ(a(8), last)], /both chain, so one was rewritten from here on/),
  },
  {
    name: 'edited: the whole suffix, rewritten',
    objects: rewriteSuffix,
    mirror: intact,
    both: diverged([rewrittenFrom4], /both chain, so one was rewritten from here on/),
  },
  {
    name: 'edited: the whole suffix, rewritten, pinned',
    objects: rewriteSuffix,
    verify: pinned,
    mirror: diverged([convicted]),
    both: diverged([rewrittenFrom4, convicted], /the mirror was changed; the chain in PostgreSQL is intact/),
  },
  {
    name: 'edited: the whole suffix, rewritten, every chain pinned by a file',
    objects: rewriteSuffix,
    verify: ['--all', '--expect-heads', HEADS],
    mirror: diverged([convicted]),
    both: diverged([rewrittenFrom4, convicted], /the mirror was changed; the chain in PostgreSQL is intact/),
  },
]

const truncated = (length: number) => async (mirror: MirrorCopy) =>
  mirror.put(at(4), (await mirror.read(at(4))).subarray(0, length))
const appended = (more: (own: Buffer) => Uint8Array) => async (mirror: MirrorCopy) => {
  const own = await mirror.read(at(4))
  await mirror.put(at(4), Buffer.concat([own, more(own)]))
}

/** Each block of four bytes decompresses to 128 KiB. */
const BOMB = bomb(1_000_000)

const BYTES: readonly MirrorAttack[] = [
  malformed('truncated: by a byte', async (mirror) => {
    const own = await mirror.read(at(4))
    await mirror.put(at(4), own.subarray(0, own.length - 1))
  }),
  malformed('truncated: in the frame header', truncated(5)),
  malformed('truncated: to nothing', truncated(0)),
  malformed('a bit flipped', async (mirror) => {
    const own = Buffer.from(await mirror.read(at(4)))
    own[own.length - 20] = (own[own.length - 20] ?? 0) ^ 0x10
    await mirror.put(at(4), own)
  }),
  malformed('a zstd bomb: 32 GB from 1 MB', (mirror) => mirror.put(at(4), BOMB)),
  malformed('8 MB of nothing', (mirror) => mirror.put(at(4), Buffer.alloc(8_000_000))),
  malformed(
    'an extra frame: its own again',
    appended((own) => own),
  ),
  malformed(
    'an extra frame: a skippable one',
    appended(() => SKIPPABLE),
  ),
  malformed(
    'an extra byte',
    appended(() => Buffer.of(0)),
  ),
  malformed('no zstd: the JSON itself', (mirror) => mirror.put(at(4), Buffer.from('{"format":"PXA1"}\n'))),
]

const REPLACED: readonly MirrorAttack[] = [
  malformed('replaced: by another seq’s', async (mirror) => mirror.put(at(4), await mirror.read(at(5)))),
  malformed('replaced: by another Domain’s', async (mirror) =>
    mirror.put(at(4), await mirror.read(keyOf(B, 4))),
  ),
  malformed('replaced: by a link to another object', (mirror) => mirror.link(at(4), at(5))),
  malformed('swapped: two neighbours', (mirror) => mirror.swap(at(4), at(5)), [unreadable(4, 5)]),
  malformed('swapped: two apart', (mirror) => mirror.swap(at(3), at(6)), [unreadable(3), unreadable(6)]),
  malformed('swapped: across two Domains', (mirror) => mirror.swap(at(4), keyOf(B, 4)), [unreadable(4)]),
]

/** An object of another row that is edited to name this seq, with its old hashes. */
const renumbered = { ...a(6), seq: 4 }
const other = { ...b(4), domainId: A }

const RENAMED: readonly MirrorAttack[] = [
  rewrote('replaced: by another seq’s, renumbered', renumbered, [
    mismatch(renumbered),
    broken(4, a(3).entryHash, a(6).prevHash, 5),
  ]),
  rewrote('replaced: by another Domain’s, its domain_id changed', other, [
    mismatch(other),
    broken(4, a(3).entryHash, b(4).prevHash, 5),
  ]),
  rewrote(
    'replaced: by another seq’s, renumbered and rehashed',
    { ...renumbered, entryHash: computed(renumbered) },
    // It has the time of row 6, so row 5 is before it.
    [
      broken(4, a(3).entryHash, a(6).prevHash, 5),
      { chain: A, code: 'malformed_row', seq_from: 5, seq_to: 5, observed: a(5).entryHash },
    ],
  ),
]

export const OBJECTS_EDITED: readonly MirrorAttack[] = [...EDITED, ...BYTES, ...REPLACED, ...RENAMED]
