import { type Attack, broken, found, head, ON_PLATFORM, PLATFORM } from './attack.js'
import { a, type PlainRow, platform, rehashed, rewritten } from './chains.js'
import { FORKS, type Fork } from './forks.js'
import { insert, moveHead, put } from './statements.js'

/** Returns SQL that forks chain A, and moves its head to the end of the fork. */
export function forkSql({ rows }: Fork): string {
  const last = rows.at(-1) ?? a(8)
  return (
    rows.map((row) => (row.seq > 8 ? insert(row) : put(row))).join('') + moveHead(last.seq, last.entryHash)
  )
}

const again = rewritten(8, { prevHash: a(6).entryHash })
const ninth = rehashed({ ...a(8), seq: 9, prevHash: a(7).entryHash })
const unhashed: PlainRow = { ...a(6), prevHash: a(4).entryHash }
const created = rehashed({ ...platform(3), prevHash: platform(1).entryHash })

export const FORKED: readonly Attack[] = [
  ...FORKS.map((fork) => found(`forked: ${fork.name}`, forkSql(fork), fork.findings)),
  found('forked: row 6 linked to row 4, its hash as it was', put(unhashed), [
    broken(6, a(5).entryHash, a(4).entryHash),
  ]),
  found('forked: the last row linked to row 6, the head as it was', again.map(put).join(''), [
    broken(8, a(7).entryHash, a(6).entryHash),
    head(8, 8, { expected: again[0]?.entryHash ?? '', observed: a(8).entryHash }),
  ]),
  found('forked: a row after the last one, linked to row 7, the head as it was', insert(ninth), [
    broken(9, a(8).entryHash, a(7).entryHash),
    head(9, 9, { expected: ninth.entryHash, observed: a(8).entryHash }),
  ]),
  found(
    'forked: a row of the platform chain linked to its genesis row',
    put(created) + moveHead(3, created.entryHash, PLATFORM),
    [broken(3, platform(2).entryHash, platform(1).entryHash, 3, PLATFORM)],
    ON_PLATFORM,
  ),
]
