import { existsSync } from 'node:fs'
import { defineConfig } from 'vitest/config'

/**
 * The cost of a test is in the name of its file, and the scripts of package.json choose by it.
 *
 * | file             | what it is                                                     | `npm test` | `npm run test:all` |
 * | `*.unit.test.ts` | pure functions                                                 | yes        | yes                |
 * | `*.int.test.ts`  | a real server, the code in the process of the test             | yes        | yes                |
 * | `*.e2e.test.ts`  | the built command line                                         | yes        | yes                |
 * | `*.long.test.ts` | kills, outages, waits, installs; a browser, a pooler           | no         | yes                |
 *
 * The projects s3 and postgres-* run some of these files again on other servers, for .ci/run. They exist where these
 * servers do.
 */
const UNIT = 'test/**/*.unit.test.ts'
const INT = 'test/**/*.int.test.ts'
const E2E = 'test/**/*.e2e.test.ts'
const LONG = 'test/**/*.long.test.ts'

/** The files that use the S3 server of AUDIT_TEST_S3_ENDPOINT where it is set. */
const S3 = files('int/{mirror-s3,same-report}.int', 'e2e/{archiver-s3,restore-story}.long')

const SCHEMA = ['int/{schema-*,database}.int']
const APPEND = [
  'int/{append*,record-in*,idempotency,detached}.int',
  'e2e/{append-feed,idempotency,bad-input-database}.e2e',
  'int/append-faults.long',
  'e2e/{concurrency,crash}.long',
]
const VERIFY = [
  'int/{scan-client,session-settings,index-counts,hidden-rows,quarantine,reconcile,same-report}.int',
  'e2e/{attacks*,session-settings,index-incomplete}.e2e',
  'e2e/fold-threads.long',
]
/** They take minutes and ask PostgreSQL for nothing that the files above do not: on the oldest and the newest major alone. */
const COMPARE = [
  'e2e/{mirror-attacks,mirror-verdicts,own-mirror,verdict-matrix}.e2e',
  'e2e/{no-false-alarm,both-busy}.long',
]
const LIST = ['int/{list,get,time-order,time-range}.int', 'e2e/{read,proven-rows,hidden-from-index}.e2e']
const ARCHIVE = [
  'int/{archive*,chain-claims,late-objects,mirror-index}.int',
  'e2e/archiver.e2e',
  'int/{archiver-beside,archiver-faults}.long',
  'e2e/{archiver-kill,migrate-odd-rows}.long',
]
const SIGN = ['int/{signer-store,signer,signed-heads,signed-log,statement-store,chain-reader}.int']
const ERASURE = ['int/{erasure,holds,retention}.int', 'e2e/erasure-kill.long']
const RESTORE = ['e2e/restore-all.e2e', 'e2e/restore.long']

const NEAREST_TO_POSTGRES = files(...SCHEMA, ...APPEND, ...VERIFY)
const ALL_OF_POSTGRES = [
  ...NEAREST_TO_POSTGRES,
  ...files(...COMPARE, ...LIST, ...ARCHIVE, ...SIGN, ...ERASURE, ...RESTORE),
]

function files(...names: readonly string[]): string[] {
  return names.map((name) => `test/${name}.test.ts`)
}

function project(name: string, include: readonly string[], env: Record<string, string> = {}) {
  return {
    test: {
      name,
      include: [...include],
      env,
      // For a machine that does other work too: a test that hangs is found out later, no test fails by slowness.
      testTimeout: name === 'unit' ? 60_000 : 600_000,
      hookTimeout: 300_000,
      expect: { poll: { timeout: 60_000, interval: 50 } },
      pool: 'forks' as const,
    },
  }
}

function onS3() {
  return process.env.AUDIT_TEST_S3_ENDPOINT ? [project('s3', S3)] : []
}

function onMajor(major: number, include: readonly string[]) {
  const directory = `test/support/postgres-majors/node_modules/postgres-${major}`
  if (!existsSync(directory)) return []
  return [project(`postgres-${major}`, include, { AUDIT_TEST_POSTGRES: directory })]
}

export default defineConfig({
  test: {
    // One more than CI has cores: tests often wait for timers and for the processes that they start.
    maxWorkers: 3,
    globalSetup: 'test/support/run-setup.ts',
    projects: [
      project('unit', [UNIT]),
      project('int', [INT]),
      project('e2e', [E2E]),
      project('long', [LONG]),
      ...onS3(),
      ...onMajor(14, ALL_OF_POSTGRES),
      ...onMajor(15, NEAREST_TO_POSTGRES),
      ...onMajor(16, NEAREST_TO_POSTGRES),
      ...onMajor(17, ALL_OF_POSTGRES),
    ],
  },
})
