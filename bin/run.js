#!/usr/bin/env node
// Only modules of Node.js are imported statically: for a missing module Node.js ends with 1, and 1 is reserved for
// findings.
import { existsSync } from 'node:fs'
import { homedir } from 'node:os'
import { fileURLToPath } from 'node:url'

const INTERNAL = 70
// The exit code until there is a verdict, even if the event loop runs empty during an await.
process.exitCode = INTERNAL

const argv = process.argv.slice(2)
nameHome()
const entry = new URL('../dist/bundle/src/cli/shell/main.js', import.meta.url)
const commands = new URL('../dist/bundle/commands', import.meta.url)

if (existsSync(entry) && existsSync(commands)) await start()
else fail('this copy of audit is not built: dist is missing', 'run: npm run build')

async function start() {
  const loaded = await import(entry.href).catch((error) =>
    fail(`cannot load audit: ${error.code ?? error.name}`),
  )
  if (loaded) process.exitCode = await loaded.main(argv, fileURLToPath(new URL('..', import.meta.url)))
}

function fail(message, hint) {
  const error = { code: 'internal', message, hint }
  const text = [`Error: ${message}`, ...(hint ? [`  ${hint}`] : [])].join('\n')
  process.stderr.write(`${argv.includes('--json') ? JSON.stringify({ error }) : text}\n`)
}

// In a container the user may have no passwd entry; Node then throws when it is asked for a home.
function nameHome() {
  try {
    homedir()
  } catch {
    process.env.HOME = '/'
  }
}
