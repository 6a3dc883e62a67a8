import { at, type BundleAttack, changed, damagedFile, foundIn, ROWS, whole } from './attack.js'
import { built, FOLDER, gzip, type Member, partsOf, segmentContent, tarred } from './bundle.js'

const bundle = () => built(whole())
const cut = (bytes: number) => () => bundle().subarray(0, bytes < 0 ? bytes : bytes)

/** Adds a member at the end, which a reader reads last. */
const withMember = (member: Member) => changed(({ members }) => void members.push(member))
const patched = (at: number, text: string, name = `${FOLDER}extra`) =>
  withMember({ name, content: Buffer.alloc(0), patch: new Map([[at, text]]) })
const named = (name: string) => withMember({ name, content: Buffer.from('x') })

/** Replaces the file of the first segment by other bytes. */
const packed = (change: (gz: Buffer, lines: readonly string[]) => Buffer) =>
  changed(({ members, segments }) => {
    const lines = segments[0] ?? []
    const member = members[3]
    if (member !== undefined) members[3] = { ...member, content: change(gzip(segmentContent(lines)), lines) }
  })

const patchedByte = (place: number) =>
  packed((gz) => {
    const bytes = Buffer.from(gz)
    const at = place < 0 ? bytes.length + place : place
    bytes[at] = (bytes[at] ?? 0) ^ 1
    return bytes
  })

/** Writes one row in each segment and changes the members from the third segment on, which are more than a reader opens ahead. */
const amid = (change: (gz: Buffer, i: number) => Buffer) =>
  changed(
    ({ members }) => {
      for (const [i, member] of members.entries())
        if (i >= 5) members[i] = { ...member, content: change(member.content, i - 5) }
    },
    () => partsOf({ rows: ROWS, perSegment: 1 }),
  )

const CUT: readonly BundleAttack[] = [
  damagedFile('empty', () => Buffer.alloc(0)),
  damagedFile('cut: in the first header', cut(100)),
  damagedFile('cut: after the first header', cut(512)),
  damagedFile('cut: before its end', cut(-1024)),
  damagedFile('cut: one block of its end', cut(-512)),
  damagedFile('cut: one byte', cut(-1)),
  damagedFile('cut: in the last segment', cut(-1400)),
  damagedFile('longer by a byte', () => Buffer.concat([bundle(), Buffer.from('x')])),
  damagedFile('longer by a block of zeros', () => Buffer.concat([bundle(), Buffer.alloc(512)])),
  damagedFile('no bundle at all', () => Buffer.from('# audit\n'.repeat(200))),
  damagedFile('zeros', () => Buffer.alloc(2048)),
]

const HEADERS: readonly BundleAttack[] = [
  damagedFile('name: a path upwards', named('../evil')),
  damagedFile('name: a path upwards in the middle', named(`${FOLDER}rows/../../evil`)),
  damagedFile('name: absolute', named('/etc/passwd')),
  damagedFile('name: a backslash', named(`${FOLDER}..\\evil`)),
  damagedFile('name: a control', named(`${FOLDER}\u001b[2J`)),
  damagedFile('name: of 100 bytes', named('x'.repeat(100))),
  damagedFile('name: with a prefix', patched(345, 'prefix')),
  damagedFile('name: with something after its end', patched(40, 'x', `${FOLDER}extra`)),
  ...['1', '2', '3', '4', '5', '6', '7', 'L', 'K', 'S', 'g', 'x', '\0', 'A'].map((type) =>
    damagedFile(`type ${JSON.stringify(type)}`, patched(156, type)),
  ),
  damagedFile('a link name', patched(157, '/etc/passwd')),
  damagedFile('GNU magic', patched(257, 'ustar  \0')),
  damagedFile('another mode', patched(100, '0000755')),
  damagedFile('another time', patched(136, '02263523001')),
  damagedFile('an owner', patched(265, 'root')),
  damagedFile('a giant size', patched(124, '77777777777')),
  damagedFile('a size in base 256', patched(124, '\x80\0\0\0\0\0\x01\0\0\0\0')),
  damagedFile('a size beyond the bound', patched(124, '00100000001')),
  damagedFile('a size beyond the end', patched(124, '00000040000')),
  damagedFile('a size of spaces', patched(124, '         12')),
  damagedFile('padding that is not zero', () => {
    const bytes = bundle()
    bytes[512 + 16 * 1024] = bytes[512 + 16 * 1024] ?? 0
    const member = tarred({ name: `${FOLDER}extra`, content: Buffer.from('x') })
    member[1000] = 1
    return Buffer.concat([bytes.subarray(0, -1024), member, Buffer.alloc(1024)])
  }),
  damagedFile('a wrong checksum', () => {
    const member = tarred({ name: `${FOLDER}extra`, content: Buffer.from('x') })
    member.write('000001', 148)
    return Buffer.concat([bundle().subarray(0, -1024), member, Buffer.alloc(1024)])
  }),
  damagedFile('the manifest comes last', () => {
    const parts = whole()
    const manifest = built({ ...parts, members: [] }).subarray(0, -1024)
    return Buffer.concat([...parts.members.map(tarred), manifest, Buffer.alloc(1024)])
  }),
]

const ZEROS = Buffer.alloc(2 * 1024 * 1024)
const GZIPS: readonly BundleAttack[] = [
  damagedFile(
    'gzip: a bomb within the size limit',
    packed(() => gzip(ZEROS, { level: 9 })),
  ),
  damagedFile(
    'gzip: more than a segment may hold',
    packed(() => gzip(Buffer.alloc(2 * 1024 * 1024 + 1, 'ab'), { strategy: 2 })),
  ),
  damagedFile(
    'gzip: two members',
    packed((gz) => Buffer.concat([gz, gz])),
  ),
  damagedFile(
    'gzip: an empty second member',
    packed((gz) => Buffer.concat([gz, gzip(Buffer.alloc(0))])),
  ),
  damagedFile(
    'gzip: something follows',
    packed((gz) => Buffer.concat([gz, Buffer.from('x')])),
  ),
  damagedFile(
    'gzip: something precedes the trailer',
    packed((gz) => Buffer.concat([gz.subarray(0, -8), Buffer.from('x'), gz.subarray(-8)])),
  ),
  damagedFile(
    'gzip: cut',
    packed((gz) => gz.subarray(0, -9)),
  ),
  damagedFile(
    'gzip: without a trailer',
    packed((gz) => gz.subarray(0, -8)),
  ),
  damagedFile(
    'gzip: empty',
    packed(() => Buffer.alloc(0)),
  ),
  damagedFile(
    'gzip: only a header',
    packed((gz) => gz.subarray(0, 10)),
  ),
  damagedFile('gzip: a wrong checksum', patchedByte(-8)),
  damagedFile('gzip: a wrong length', patchedByte(-4)),
  damagedFile('gzip: with a file name', patchedByte(3)),
  damagedFile('gzip: of another system', patchedByte(9)),
  damagedFile(
    'gzip: not gzip',
    packed((_, lines) => segmentContent(lines)),
  ),
  damagedFile(
    'gzip: cut, with many segments after it',
    amid((gz, i) => (i === 0 ? gz.subarray(0, -9) : gz)),
  ),
  foundIn(
    'gzip: cut, after another row and before many',
    amid((gz, i) => (i === 0 ? gzip(Buffer.from('{}\n')) : i === 1 ? gz.subarray(0, -9) : gz)),
    at('object_malformed', 3, 4),
    at('head_mismatch', 3, 8, { expected: ROWS[1]?.entryHash ?? '', observed: ROWS[7]?.entryHash ?? '' }),
  ),
]

export const CONTAINERS: readonly BundleAttack[] = [...CUT, ...HEADERS, ...GZIPS]
