// Runs verify-bundle.mjs once for each line of standard input (its arguments, as JSON) and prints what became of it, in
// one process: starting 200 would take longer than all they do. The script itself is as it ships.
import fs from 'node:fs'
import { syncBuiltinESMExports } from 'node:module'
import { createInterface } from 'node:readline'

const script = new URL('../../../docs/verifiers/verify-bundle.mjs', import.meta.url)
const write = fs.writeSync.bind(fs)
let printed = { stdout: '', stderr: '' }
fs.writeSync = (_, text) => {
  printed.stdout += text
}
syncBuiltinESMExports()
process.stderr.write = (text) => {
  printed.stderr += text
  return true
}
let runs = 0
for await (const line of createInterface({ input: process.stdin })) {
  printed = { stdout: '', stderr: '' }
  process.argv = ['node', script.pathname, ...JSON.parse(line)]
  process.exitCode = undefined
  runs += 1
  await import(`${script.href}?${runs}`)
  write(1, `${JSON.stringify({ exit: process.exitCode ?? null, ...printed })}\n`)
}
process.exitCode = 0
