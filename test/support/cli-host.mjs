// Runs command lines of the built program in this process, one after the other, for runCli of cli.ts. A start of Node and
// of the program costs more than most commands; here it is paid once.
// Usage: node cli-host.mjs ROOT, with an IPC channel: {args, env, cwd, input} in, {code, stdout, stderr} out.
import { join } from 'node:path'
import { Readable } from 'node:stream'
import { setImmediate as nextRound, setTimeout as sleep } from 'node:timers/promises'
import { pathToFileURL } from 'node:url'

/** Milliseconds that a command may keep the event loop alive after its verdict. */
const LINGER = 60_000

const root = process.argv[2]
const entry = pathToFileURL(join(root, 'dist/bundle/src/cli/shell/main.js')).href
const stdout = capture(process.stdout)
const stderr = capture(process.stderr)
const { runCommandLine } = await import(entry)
process.on('warning', ({ name, message }) => process.stderr.write(`${name}: ${message}\n`))

process.on('message', async (request) => {
  process.send(await run(request))
})
await sleep(1)
const idle = activeResources()
process.send('ready')

async function run({ args, env, cwd, input }) {
  for (const name of Object.keys(process.env)) if (!(name in env)) delete process.env[name]
  Object.assign(process.env, env)
  process.chdir(cwd)
  const stdin = Readable.from(input.length === 0 ? [] : [input], { objectMode: false })
  Object.defineProperty(process, 'stdin', { value: stdin, configurable: true })
  const code = await runCommandLine(args, root)
  const open = await loopRunsDry()
  if (open !== undefined) process.stderr.write(`the command would not have ended: ${open}\n`)
  return { code: open === undefined ? code : null, stdout: stdout(), stderr: stderr() }
}

/** Waits until a process of its own would end; resolves with what prevents that for too long. */
async function loopRunsDry() {
  const until = Date.now() + LINGER
  await nextRound()
  while (activeResources() !== idle) {
    if (Date.now() > until) return activeResources()
    await sleep(2)
  }
  return undefined
}

function activeResources() {
  return process.getActiveResourcesInfo().sort().join(' ')
}

/** Keeps what is written to the stream; the function returned takes what was kept. */
function capture(stream) {
  let kept = []
  stream.write = (chunk, encoding, callback) => {
    kept.push(Buffer.from(chunk))
    const done = typeof encoding === 'function' ? encoding : callback
    if (done) process.nextTick(done)
    return true
  }
  return () => {
    const text = Buffer.concat(kept).toString('utf8')
    kept = []
    return text
  }
}
