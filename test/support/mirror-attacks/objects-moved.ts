import { ALL, gap, HEADS, mismatch, missing, unexpected } from '../attacks/attack.js'
import { A, a, B, PLATFORM, platform, rehashed } from '../attacks/chains.js'
import {
  at,
  diverged,
  failed,
  intact,
  type MirrorAttack,
  objectMissing,
  orphan,
  rowMissing,
  unreadable,
  withStrays,
} from './attack.js'
import type { MirrorCopy } from './mirror-copy.js'
import { keyOf } from './objects.js'

const removing =
  (...seqs: readonly number[]) =>
  async (mirror: MirrorCopy) => {
    for (const seq of seqs) await mirror.remove(at(seq))
  }
const NEWEST = removing(6, 7, 8)
const gone = objectMissing(a(6), 8)
const lost = unexpected(8, { expected: a(8).entryHash })
const folderOf = (domainId: string) => `audit/${domainId}`

const DELETED: readonly MirrorAttack[] = [
  {
    name: 'deleted: an object',
    objects: removing(4),
    mirror: diverged([gap(4, 4, a(5).prevHash)]),
    both: diverged([objectMissing(a(4))]),
  },
  {
    name: 'deleted: neighbours and one apart',
    objects: removing(2, 3, 6),
    mirror: diverged([gap(2, 3, a(4).prevHash), gap(6, 6, a(7).prevHash)]),
    both: diverged([objectMissing(a(2), 3), objectMissing(a(6))]),
  },
  {
    name: 'deleted: the genesis row’s',
    objects: removing(1),
    mirror: diverged([gap(1, 1, a(2).prevHash)]),
    both: diverged([objectMissing(a(1))]),
  },
  { name: 'deleted: the newest', objects: NEWEST, mirror: intact, both: diverged([gone]) },
  {
    name: 'deleted: the newest, pinned',
    objects: NEWEST,
    verify: ['--domain', A, '--expect-head', `8:${a(8).entryHash}`],
    mirror: diverged([lost]),
    both: diverged([gone]),
  },
  {
    name: 'deleted: the newest, pinned by a file',
    objects: NEWEST,
    verify: ['--domain', A, '--expect-heads', HEADS],
    mirror: diverged([lost]),
    both: diverged([gone]),
  },
  {
    name: 'deleted: the newest, but for the last one',
    objects: removing(5, 6, 7),
    mirror: diverged([gap(5, 7, a(8).prevHash)]),
    both: diverged([objectMissing(a(5), 7)]),
  },
  {
    name: 'deleted: a whole Domain',
    objects: (mirror) => mirror.remove(folderOf(A)),
    mirror: failed(4, 'domain_not_found'),
    both: diverged([objectMissing(a(1), 8)]),
  },
  {
    name: 'deleted: a whole Domain, pinned',
    objects: (mirror) => mirror.remove(folderOf(A)),
    verify: ['--domain', A, '--expect-head', `8:${a(8).entryHash}`],
    mirror: diverged([lost]),
    both: diverged([objectMissing(a(1), 8)]),
  },
  {
    name: 'deleted: a whole Domain, every chain',
    objects: (mirror) => mirror.remove(folderOf(A)),
    verify: ALL,
    mirror: diverged([missing(A)]),
    both: diverged([objectMissing(a(1), 8)]),
  },
  {
    name: 'deleted: the platform chain',
    objects: (mirror) => mirror.remove(folderOf(PLATFORM)),
    verify: ALL,
    mirror: failed(3, 'platform_chain_absent'),
    both: diverged([objectMissing(platform(1), 3)]),
  },
  {
    name: 'deleted: everything',
    objects: (mirror) => mirror.remove('audit'),
    verify: ALL,
    mirror: failed(4, 'nothing_to_verify'),
    // The marker is gone too, so this may as well be another place.
    both: failed(3, 'mirror_unmarked'),
  },
]

const next = rehashed({ ...a(8), seq: 9, prevHash: a(8).entryHash })
const junk = Buffer.from('junk')
const far = { ...a(4), seq: 4000 }
const close = { ...a(4), seq: 20 }
const MOST = Number.MAX_SAFE_INTEGER
const F = 'f'.repeat(64)
/** An object that is intact by itself and links to no row. */
const hashing = (seq: number) => rehashed({ ...a(8), seq, prevHash: F })

/** What file managers, copy tools and stores leave beside objects. */
const LITTER = [
  '.DS_Store',
  '._00000000000000000002.json.zst',
  '.00000000000000000002.json.zst.Kq3fbx',
  '.nfs000000000012',
  '.fuse_hidden0000000100000001',
  '00000000000000000002.json (1).zst',
  '00000000000000000002.json.zst.4f2a',
  '00000000000000000002.json.zst.part',
  '00000000000000000002.json.zst~',
  '00000000000000000002.JSON.ZST',
  'Thumbs.db',
  'desktop.ini',
  '@eaDir/00000000000000000002.json.zst@SynoEAStream',
  'sub/00000000000000000002.json.zst',
  'lost+found/#1',
  'na\u202eme\n',
]

const STRAY: readonly MirrorAttack[] = [
  {
    name: 'a key with the wrong padding',
    objects: (mirror) => mirror.move(at(4), `audit/${A}/0000000000000000004.json.zst`),
    mirror: withStrays(diverged([gap(4, 4, a(5).prevHash)]), '0000000000000000004.json.zst'),
    both: withStrays(diverged([objectMissing(a(4))]), '0000000000000000004.json.zst'),
  },
  {
    name: 'keys with the wrong padding: all of them',
    objects: async (mirror) => {
      for (let seq = 1; seq <= 8; seq += 1) await mirror.move(at(seq), `audit/${A}/${seq}.json.zst`)
    },
    mirror: failed(4, 'domain_not_found'),
    both: {
      ...diverged([objectMissing(a(1), 8)]),
      stray: { count: 8, examples: ['1.json.zst', '2.json.zst', '3.json.zst'] },
    },
  },
  {
    name: 'stray: a copy under a key with the wrong padding',
    objects: async (mirror) =>
      mirror.put(`audit/${A}/000000000000000000004.json.zst`, await mirror.read(at(4))),
    mirror: withStrays(intact, '000000000000000000004.json.zst'),
    both: withStrays(intact, '000000000000000000004.json.zst'),
  },
  {
    name: 'stray: a note beside the objects',
    objects: (mirror) => mirror.put(`audit/${A}/README`, junk),
    mirror: withStrays(intact, 'README'),
    both: withStrays(intact, 'README'),
  },
  ...LITTER.map(
    (name): MirrorAttack => ({
      name: `stray: litter called ${name}`,
      objects: (mirror) => mirror.put(`audit/${A}/${name}`, junk),
      mirror: withStrays(intact, name.replace(/\/.*/, '/')),
      both: withStrays(intact, name.replace(/\/.*/, '/')),
    }),
  ),
  {
    name: 'stray: seq 2^53, in the form of a key',
    objects: (mirror) => mirror.put(`audit/${A}/00009007199254740992.json.zst`, junk),
    mirror: diverged([orphan(900719925474099)]),
    both: diverged([orphan(900719925474099)]),
  },
  {
    name: 'stray: a folder with the name of an object',
    objects: (mirror) => mirror.put(`${at(9)}/x`, junk),
    mirror: withStrays(intact, '00000000000000000009.json.zst/'),
    both: withStrays(intact, '00000000000000000009.json.zst/'),
  },
  {
    name: 'stray: seq 0',
    objects: (mirror) => mirror.put(keyOf(A, 0), junk),
    mirror: diverged([orphan(0)]),
    both: diverged([orphan(0)]),
  },
  {
    name: 'stray: beyond the last row, junk',
    objects: (mirror) => mirror.put(at(9), junk),
    mirror: diverged([unreadable(9)]),
    both: diverged([unreadable(9), orphan(9)]),
  },
  {
    name: 'stray: far beyond the last row, junk',
    objects: (mirror) => mirror.put(at(4000), junk),
    mirror: diverged([unreadable(4000), orphan(4000)]),
    both: diverged([unreadable(4000), orphan(4000)]),
  },
  {
    name: 'stray: beyond the last row, linking to it',
    objects: (mirror) => mirror.write(next),
    mirror: intact,
    both: diverged([rowMissing(next)]),
  },
  {
    name: 'stray: far beyond the last row, the object of another row',
    objects: (mirror) => mirror.write(far),
    mirror: diverged([mismatch(far), orphan(4000)]),
    both: diverged([mismatch(far), orphan(4000)]),
  },
  {
    name: 'stray: a few rows beyond the last row, the object of another row',
    objects: (mirror) => mirror.write(close),
    mirror: diverged([gap(9, 19, a(4).prevHash), mismatch(close)]),
    both: diverged([gap(9, 19, a(4).prevHash), mismatch(close), rowMissing(close)]),
  },
  {
    name: 'stray: far beyond the last row, with a correct hash',
    objects: (mirror) => mirror.write(hashing(4000)),
    mirror: diverged([gap(9, 3999, F)]),
    both: diverged([gap(9, 3999, F), rowMissing(hashing(4000))]),
  },
  {
    name: 'stray: beyond any chain, junk',
    objects: (mirror) => mirror.put(at(MOST), junk),
    mirror: diverged([unreadable(MOST), orphan(MOST)]),
    both: diverged([unreadable(MOST), orphan(MOST)]),
  },
  {
    name: 'stray: beyond any chain, the object of another row',
    objects: async (mirror) => mirror.put(at(MOST), await mirror.read(at(4))),
    mirror: diverged([unreadable(MOST), orphan(MOST)]),
    both: diverged([unreadable(MOST), orphan(MOST)]),
  },
  {
    name: 'stray: beyond any chain, with a correct hash',
    objects: (mirror) => mirror.write(hashing(MOST)),
    mirror: diverged([orphan(MOST)]),
    both: diverged([orphan(MOST)]),
  },
  {
    name: 'stray: in another Domain’s prefix, which is not verified',
    objects: (mirror) => mirror.put(`audit/${B}/README`, junk),
    mirror: intact,
    both: intact,
  },
  {
    name: 'stray: in another Domain’s prefix, every chain',
    objects: (mirror) => mirror.put(`audit/${B}/README`, junk),
    verify: ALL,
    mirror: intact,
    both: intact,
  },
  {
    name: 'not judged: beside and above the Domains',
    objects: async (mirror) => {
      await mirror.put('audit/README', junk)
      await mirror.put(`audit/${A}.txt`, junk)
      await mirror.put(`audit/${A.toUpperCase()}/README`, junk)
      await mirror.put('tlog/1', junk)
      await mirror.put(`audit/${A}/.audit-0123456789abcdef.tmp`, junk)
    },
    verify: ALL,
    mirror: intact,
    both: intact,
  },
]

export const OBJECTS_MOVED: readonly MirrorAttack[] = [...DELETED, ...STRAY]
