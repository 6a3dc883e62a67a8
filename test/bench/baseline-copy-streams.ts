import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import pg from 'pg'
import { from, to } from 'pg-copy-streams'
import { chunkSink } from '../../src/repo/wire/chunk-sink.js'
import { CopyFrames } from '../../src/repo/wire/copy-frames.js'
import { copyIn } from '../../src/repo/wire/copy-in.js'
import { copyOut } from '../../src/repo/wire/copy-out.js'
import { COPY_COLUMNS } from '../../src/repo/wire/copy-rows.js'
import { median } from './subject.js'

/**
 * Copies the rows of a chain out, dropping them, and into a bare table, alternately by pg's own messages (`copyOut`,
 * `copyIn`) and by pg-copy-streams. Prints the medians as JSON.
 */
const [url = '', domainId = ''] = process.argv.slice(2)
const ROUNDS = 5
/** The size of the pieces that append sends. */
const PIECE = 32 * 1024
const OUT = `COPY (SELECT ${COPY_COLUMNS} FROM audit_log_entry WHERE domain_id = '${domainId}' ORDER BY seq)
  TO STDOUT (FORMAT binary)`
const IN = 'COPY bench_copy FROM STDIN (FORMAT binary)'

const nowhere = () => undefined

const client = new pg.Client({ connectionString: url })
await client.connect()
await client.query('SET enable_sort = off')
await client.query(
  `CREATE UNLOGGED TABLE bench_copy AS SELECT ${COPY_COLUMNS} FROM audit_log_entry WITH NO DATA`,
)
const held: Buffer[] = []
await outByMessages((bytes) => held.push(Buffer.from(bytes)))
const bytes = Buffer.concat(held.splice(0))
const pieces = Array.from({ length: Math.ceil(bytes.length / PIECE) }, (_, i) =>
  bytes.subarray(i * PIECE, (i + 1) * PIECE),
)
const { rows: counted } = await client.query<{ rows: number }>(
  'SELECT count(*)::int AS rows FROM audit_log_entry WHERE domain_id = $1',
  [domainId],
)

const out = await inTurns(() => outByMessages(nowhere), outByStreams)
const into = await inTurns(
  () => copyIn(client, IN, pieces),
  () => pipeline(Readable.from(pieces), client.query(from(IN))),
)
await client.query('DROP TABLE bench_copy')
await client.end()
console.log(JSON.stringify({ rows: counted[0]?.rows, out, in: into }))

/** Copies out as verify does, splitting the chunks of the socket into their payloads. */
async function outByMessages(onPayload: (bytes: Buffer) => void): Promise<void> {
  const frames = new CopyFrames((chunk, start, end) => onPayload(chunk.subarray(start, end)))
  await copyOut(
    client,
    OUT,
    chunkSink((chunk) => frames.push(chunk)),
  )
}

async function outByStreams(): Promise<void> {
  let length = 0
  for await (const chunk of client.query(to(OUT))) length += (chunk as Buffer).length
  if (length !== bytes.length) throw new Error(`expected ${bytes.length} bytes, got ${length}`)
}

async function inTurns(ours: () => Promise<unknown>, streams: () => Promise<unknown>) {
  const costs = { ours: [] as Cost[], streams: [] as Cost[] }
  for (let round = 0; round < ROUNDS; round += 1) {
    costs.ours.push(await timed(ours))
    costs.streams.push(await timed(streams))
  }
  return { ours: middle(costs.ours), streams: middle(costs.streams) }
}

interface Cost {
  readonly seconds: number
  readonly cpu: number
}

async function timed(work: () => Promise<unknown>): Promise<Cost> {
  await client.query('TRUNCATE bench_copy')
  const [begun, cpu] = [performance.now(), process.cpuUsage()]
  await work()
  const { user, system } = process.cpuUsage(cpu)
  return { seconds: (performance.now() - begun) / 1000, cpu: (user + system) / 1e6 }
}

function middle(costs: readonly Cost[]): Cost {
  return { seconds: median(costs.map(({ seconds }) => seconds)), cpu: median(costs.map(({ cpu }) => cpu)) }
}
