import { defineConfig } from 'vitest/config'

/** Left to `npm test` by hand where AUDIT_TEST_QUICK is set, as in CI, which has 15 minutes. */
const LONG = [
  'e2e/archiver',
  'e2e/archiver-s3',
  'e2e/attacks-roles',
  'e2e/bad-input',
  'e2e/bad-input-database',
  'e2e/crash',
  'e2e/mirror-verdicts',
  'e2e/pepper',
  'e2e/restore-story',
  'int/embedded',
]
const exclude = process.env.AUDIT_TEST_QUICK ? LONG.map((name) => `test/${name}.*.test.ts`) : []

/** The cost of a test is in its file name: unit (pure), int (a real server, in process), e2e (the built command line). */
const project = (name: string, testTimeout: number) => ({
  test: {
    name,
    include: [`test/**/*.${name}.test.ts`],
    exclude,
    testTimeout,
    hookTimeout: 120_000,
    pool: 'forks' as const,
  },
})

export default defineConfig({
  test: {
    // Tests mostly wait for the processes that they start; by default one core of two would be left to those alone.
    maxWorkers: 2,
    globalSetup: 'test/support/run-setup.ts',
    projects: [project('unit', 30_000), project('int', 120_000), project('e2e', 300_000)],
  },
})
