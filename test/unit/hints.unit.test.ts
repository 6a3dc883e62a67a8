import { readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import type { Advice, AdviceCode, PlainAdvice } from '../../src/base/advice.js'
import { AuditError } from '../../src/base/errors.js'
import { PLATFORM_ANCHOR } from '../../src/chain/uuid.js'
import { CommandError } from '../../src/cli/shell/command-error.js'
import { HINTS, hintFor, hintOf } from '../../src/cli/shell/hints.js'

const domainId = '018f0000-0000-7000-8000-000000000001'

type FactAdvice = Exclude<Advice, { code: PlainAdvice }>

const WITH_FACTS: readonly (readonly [FactAdvice, string])[] = [
  [{ code: 'verify_chain', domainId }, `run: audit verify --domain ${domainId}`],
  [{ code: 'verify_chain', domainId: PLATFORM_ANCHOR }, 'run: audit verify --platform'],
  [{ code: 'verify_mirror', domainId }, `run: audit verify --domain ${domainId} --source mirror`],
  [
    { code: 'delete_forged_stamps', removal: 'A; B' },
    'find out who writes to the table audit_archive_stamp; as its owner, run: psql "$AUDIT_DATABASE_URL" -c "A; B"; then run: audit archiver --once',
  ],
  [
    { code: 'reindex', indexes: ['a', 'b'] },
    'an upgrade of the C library can do this too; run: REINDEX INDEX CONCURRENTLY a; REINDEX INDEX CONCURRENTLY b; until then, list with --verify',
  ],
  [
    { code: 'verify_creation', domainId },
    `find out which record was changed; the rows are hashed: audit verify --platform, and: audit verify --domain ${domainId}`,
  ],
  [{ code: 'find_chain', copy: 'bundle' }, 'check the file'],
  [
    { code: 'find_chain', copy: 'postgres' },
    'run: audit domain list; to find a Domain that was deleted altogether, run: audit verify --all',
  ],
  [
    { code: 'find_chain', copy: 'both' },
    'run: audit domain list; to find a Domain that was deleted altogether, run: audit verify --all',
  ],
  [
    { code: 'find_chain', copy: 'mirror' },
    'check --mirror (AUDIT_MIRROR_URL) and the id; to see what a mirror has, run: audit verify --all --source mirror',
  ],
  [
    { code: 'verify_pin_elsewhere', domainId, head: { seq: 61, hash: 'ab'.repeat(32) } },
    `verify a copy that holds the row: audit verify --domain ${domainId} --source mirror --expect-head 61:${'ab'.repeat(32)}`,
  ],
  [
    { code: 'verify_both_copies', given: {}, domainId },
    `run: audit verify --domain ${domainId} --source both`,
  ],
  [
    { code: 'verify_both_copies', given: { url: 's3://b/p', map: '/etc/audit/map' }, domainId },
    `run: audit verify --domain ${domainId} --source both --mirror s3://b/p --mirror-map /etc/audit/map`,
  ],
  [
    { code: 'map_mirror', domainId },
    `find out where its mirror is, and add this line to the file of --mirror-map (AUDIT_MIRROR_MAP): ${domainId} URL`,
  ],
  [
    { code: 'map_mirror', domainId, url: 's3://bucket' },
    `find out where its mirror is (the URL below is only what its records claim), and add this line to the file of --mirror-map (AUDIT_MIRROR_MAP): ${domainId} s3://bucket`,
  ],
  [
    { code: 'name_again', domainId },
    `find out who changed the name; to set and record it again: audit domain name --domain ${domainId} --name NAME`,
  ],
  [
    { code: 'finish_restore', domainId },
    `wait for it, or run it again: audit archive restore --domain ${domainId}, with the same --mirror and --mirror-map; if no restore is running, somebody removed the head`,
  ],
  [
    { code: 'provision_pepper', domainId },
    `for a chain that has rows, put its pepper back; for a new chain, run: audit pepper provision --domain ${domainId}`,
  ],
  [
    { code: 'init_mirror', given: { url: 's3://b/p' } },
    'check --mirror (AUDIT_MIRROR_URL); to begin the mirror there, run: audit archiver --once --init-mirror --mirror s3://b/p',
  ],
  [
    { code: 'init_mirror', given: { url: 's3://b/p', map: '/etc/audit/map' } },
    'check --mirror (AUDIT_MIRROR_URL) and --mirror-map (AUDIT_MIRROR_MAP); to begin the mirror there, run: audit archiver --once --init-mirror --mirror s3://b/p --mirror-map /etc/audit/map',
  ],
  [
    { code: 'init_mirror', given: { map: "it's a map" } },
    `check --mirror (AUDIT_MIRROR_URL) and --mirror-map (AUDIT_MIRROR_MAP); to begin the mirror there, run: audit archiver --once --init-mirror --mirror-map 'it'"'"'s a map'`,
  ],
  [
    { code: 'init_mirror', given: { url: 's3://b/p', domainId } },
    `check --mirror (AUDIT_MIRROR_URL); to begin the mirror there, run: audit archive backfill --domain ${domainId} --init-mirror --mirror s3://b/p`,
  ],
  [
    { code: 'find_mirror', given: { url: 's3://b/p' } },
    'check --mirror (AUDIT_MIRROR_URL), and that it is mounted; to begin a new mirror in place of one that is lost, run: audit archive backfill --all --init-mirror --mirror s3://b/p',
  ],
  [
    { code: 'find_mirror', given: { url: 's3://b/p', map: 'map' }, domainId },
    `check --mirror (AUDIT_MIRROR_URL) and --mirror-map (AUDIT_MIRROR_MAP), and that it is mounted; to begin a new mirror in place of one that is lost, run: audit archive backfill --domain ${domainId} --init-mirror --mirror s3://b/p --mirror-map map`,
  ],
  [
    { code: 'find_chain_mirror', given: { url: 's3://b/p', map: 'map' }, domainId },
    `give the mirror that holds the chain: --mirror (AUDIT_MIRROR_URL), or its line in --mirror-map (AUDIT_MIRROR_MAP); if its objects are lost, upload the rows again: audit archive backfill --domain ${domainId} --mirror s3://b/p --mirror-map map`,
  ],
  [
    { code: 'find_chain_mirror', given: { url: 's3://b/p' }, domainId: PLATFORM_ANCHOR },
    'give the mirror that holds the chain: --mirror (AUDIT_MIRROR_URL); if its objects are lost, upload the rows again: audit archive backfill --platform --mirror s3://b/p',
  ],
  [
    { code: 'give_log_name', logName: 'audit.example.com' },
    'give --log-name audit.example.com (AUDIT_LOG_NAME), or none in its own home',
  ],
  [{ code: 'make_private', path: '/k' }, 'chmod 600 /k'],
  [
    { code: 'release_hold', holdId: 7 },
    'run: audit hold list --all; to release a hold: audit hold release 7 --reason ...',
  ],
  [{ code: 'show_quarantine', id: 7 }, 'run: audit quarantine show 7'],
  [
    { code: 'give_mirror_folder', url: 'file:///mirror' },
    'the mirror is in another folder; give: --mirror file:///mirror, or this URL in its line of --mirror-map',
  ],
  [
    { code: 'give_mirror_folder', url: 'file:///mirror', domainId },
    `the mirror is in another folder; the line in the file of --mirror-map (AUDIT_MIRROR_MAP) is then: ${domainId} file:///mirror`,
  ],
  [
    { code: 'check_mirror_line', domainId },
    `check that the mirror of Domain ${domainId} is mounted, and its line in the file of --mirror-map (AUDIT_MIRROR_MAP)`,
  ],
  [{ code: 'shorten_home', bytes: 84 }, 'choose a --home (AUDIT_HOME) of at most 84 bytes'],
  [{ code: 'read_server_log', path: '/log' }, 'see its log /log'],
  [
    { code: 'end_server_and_remove_file', path: '/pid' },
    'make sure that no PostgreSQL runs there (end it if one does), and remove the file: rm /pid',
  ],
  [{ code: 'stream_all_rows', or: undefined }, 'stream every row with --all'],
  [
    { code: 'stream_all_rows', or: { code: 'migrate' } },
    'stream every row with --all; or: run: audit db migrate',
  ],
  [
    { code: 'end_lock_holder', pids: [7, 0] },
    'end the transaction that holds it: pg_terminate_backend(7), ROLLBACK PREPARED; or wait longer: --lock-timeout (AUDIT_LOCK_TIMEOUT)',
  ],
  [
    { code: 'end_archivers', pids: [7] },
    'stop every archiver, which finishes its uploads first, and run: audit db migrate',
  ],
  [{ code: 'end_archivers', pids: [] }, 'wait until the claim has ended, and run: audit db migrate'],
  [
    { code: 'end_lock_holder', pids: [] },
    'end the transaction that holds it: find it with pg_blocking_pids() in pg_stat_activity; or wait longer: --lock-timeout (AUDIT_LOCK_TIMEOUT)',
  ],
]

interface Manifest {
  readonly commands: Readonly<Record<string, { readonly flags: Readonly<Record<string, unknown>> }>>
}
const manifest = JSON.parse(
  readFileSync(new URL('../../oclif.manifest.json', import.meta.url), 'utf8'),
) as Manifest
const COMMANDS = Object.keys(manifest.commands).map((id) => id.replaceAll(':', ' '))
const FLAGS = new Set(Object.values(manifest.commands).flatMap(({ flags }) => Object.keys(flags)))

const hints = [
  ...Object.entries(HINTS).flatMap(([code, hint]) =>
    typeof hint === 'string' ? [[code, hint] as const] : [],
  ),
  ...WITH_FACTS.map(([advice, hint]) => [advice.code, hint] as const),
]

describe('a hint', () => {
  it.each(WITH_FACTS)('puts the facts of %j into words', (advice, hint) => {
    expect(hintFor(advice)).toBe(hint)
  })

  it('exists for every advice, and is not empty', () => {
    const codes = new Set<string>(hints.map(([code]) => code))
    expect((Object.keys(HINTS) as AdviceCode[]).filter((code) => !codes.has(code))).toEqual([])
    expect(hints.filter(([, hint]) => hint.trim() === '')).toEqual([])
  })

  it.each(hints)('names only commands and flags that exist, for %s', (_code, hint) => {
    for (const [, words = ''] of hint.matchAll(/\baudit ((?:[a-z-]+ ?)+)/g)) {
      const isCommand = COMMANDS.some((id) => `${words.trim()} `.startsWith(`${id} `))
      expect(isCommand || PROSE.test(hint), words).toBe(true)
    }
    const flags = [...hint.matchAll(/--([a-z][a-z-]*)/g)].map(([, name = '']) => name)
    expect(flags.filter((name) => !FLAGS.has(name) && !hint.includes('npm '))).toEqual([])
  })
})

/** Hints that speak of the program, not of one of its commands. */
const PROSE = /\b(upgrade|build of|version of|end the|newer) audit\b/

describe('hintOf', () => {
  it('returns the hint for the advice of an error, and none without advice', () => {
    expect(hintOf(new AuditError('schema_missing', 'no schema', { advice: { code: 'migrate' } }))).toBe(
      'run: audit db migrate',
    )
    expect(hintOf(new AuditError('internal', 'a bug'))).toBeUndefined()
  })

  it('returns the hint of an error of the command line', () => {
    expect(hintOf(new CommandError('usage', 'a command is missing', 'run: audit --help'))).toBe(
      'run: audit --help',
    )
  })

  it('returns the hint that a caller of the library gave, unless the error has advice', () => {
    const hint = 'ask the key service'
    expect(new AuditError('pepper_unavailable', 'no pepper', { hint }).hint).toBe(hint)
    expect(hintOf(new AuditError('pepper_unavailable', 'no pepper', { hint }))).toBe(hint)
    expect(hintOf(new AuditError('schema_missing', 'no schema', { hint, advice: { code: 'migrate' } }))).toBe(
      'run: audit db migrate',
    )
  })
})
