import { defineConfig } from 'vitest/config'

/** The cost of a test is in its file name: unit (pure), int (a real server, in process), e2e (the built command line). */
const project = (name: string, testTimeout: number) => ({
  test: {
    name,
    include: [`test/**/*.${name}.test.ts`],
    testTimeout,
    hookTimeout: 120_000,
    pool: 'forks' as const,
  },
})

export default defineConfig({
  test: {
    // Tests mostly wait for the processes that they start; by default one core of two would be left to those alone.
    maxWorkers: 2,
    projects: [project('unit', 30_000), project('int', 120_000), project('e2e', 300_000)],
  },
})
