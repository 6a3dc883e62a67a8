import type { ExpectedFinding } from '../attacks/attack.js'
import { a } from '../attacks/chains.js'
import { forkSql } from '../attacks/forked.js'
import { FORKS, type Fork } from '../attacks/forks.js'
import { differ, diverged, intact, type MirrorAttack } from './attack.js'
import type { MirrorCopy } from './mirror-copy.js'

const writing = (fork: Fork) => async (mirror: MirrorCopy) => {
  for (const row of fork.rows) await mirror.write(row)
}

/** Both copies hold the fork. No archiver uploads such a row, so the attacker wrote the objects. */
const inBoth = (fork: Fork): MirrorAttack => ({
  name: `forked in both copies: ${fork.name}`,
  sql: forkSql(fork),
  objects: writing(fork),
  mirror: diverged(fork.findings),
  both: diverged(fork.findings),
})

const changed = ({ rows }: Fork) => rows.filter((row) => row.entryHash !== a(row.seq).entryHash)
const placed = (findings: readonly ExpectedFinding[]) =>
  [...findings].sort((left, right) => left.seq_from - right.seq_from)

const inPostgres = (fork: Fork): MirrorAttack => {
  const [first = a(8)] = changed(fork)
  const copies = differ(first, a(first.seq), changed(fork).at(-1)?.seq)
  return {
    name: `forked in Postgres: ${fork.name}`,
    sql: forkSql(fork),
    mirror: intact,
    both: diverged(
      placed([...fork.findings, copies]),
      /PostgreSQL was changed; the mirror's chain is intact/,
    ),
  }
}

const inMirror = (fork: Fork): MirrorAttack => {
  const [first = a(8)] = changed(fork)
  const copies = differ(a(first.seq), first, changed(fork).at(-1)?.seq)
  return {
    name: `forked in the mirror: ${fork.name}`,
    objects: writing(fork),
    mirror: diverged(fork.findings),
    both: diverged(
      placed([...fork.findings, copies]),
      /the mirror was changed; the chain in PostgreSQL is intact/,
    ),
  }
}

/** The forks differ for the fold alone, so some of them are enough for the comparison of the copies. */
const COMPARED = [0, 3, 8].flatMap((index) => FORKS[index] ?? [])

export const FORKED: readonly MirrorAttack[] = [
  ...FORKS.map(inBoth),
  ...COMPARED.map(inPostgres),
  ...COMPARED.map(inMirror),
]
