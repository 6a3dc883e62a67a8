import { createHash } from 'node:crypto'
import { createReadStream } from 'node:fs'
import type { Context } from '../../compose/context.js'
import type { SourceName } from '../../ports/verify.js'
import { serverOf } from '../flags/database-url.js'
import { sharedLogWords } from '../shell/given-log.js'
import { quoted } from '../shell/mirror-words.js'
import { verifyWords } from '../shell/verify-words.js'
import type { ChainReport } from './page/report-data.js'

/** Where the rows of a report come from. */
export interface ReadCopy {
  readonly source: SourceName
  /** The path of the bundle; absent for other sources. */
  readonly file?: string | undefined
  readonly fromSeq?: number | undefined
  readonly toSeq?: number | undefined
}

/** Returns the copy in one line for people, without credentials. Hashes the file of a bundle. */
export async function copyText({ source, file }: ReadCopy, context: Context): Promise<string> {
  if (source === 'bundle') return `the evidence file ${file ?? ''}${await fileHash(file ?? '')}`
  if (source === 'mirror') return 'the mirror, without the database'
  const database = databaseText(context)
  return source === 'both' ? `${database} and its mirror, compared row by row` : database
}

/** Returns the commands that repeat the check on the copy. */
export function checkCommands(copy: ReadCopy, chains: readonly ChainReport[]): string[] {
  if (copy.source === 'bundle') return bundleCommands(quoted(copy.file ?? ''), chains)
  return chains.map((chain) => {
    const given = { url: chain.verdict?.mirror }
    const verify = verifyWords({ source: copy.source, chain: chain.domainId, given })
    return `${verify}${segmentWords(copy)}${pinWords(chain)}${sharedLogWords()}`
  })
}

function bundleCommands(file: string, chains: readonly ChainReport[]): string[] {
  const pins = chains.map(pinWords).join('')
  return [
    `sha256sum ${file}`,
    `audit verify --source bundle ${file}${pins}`,
    `tar -xf ${file} audit-bundle/verify_bundle.py`,
    `python3 audit-bundle/verify_bundle.py ${file}${pins}`,
  ]
}

function segmentWords({ fromSeq, toSeq }: ReadCopy): string {
  const from = fromSeq === undefined ? '' : ` --from-seq ${fromSeq}`
  return toSeq === undefined ? from : `${from} --to-seq ${toSeq}`
}

/** The commands take one pin: one that the chain contradicts, otherwise the newest, which all earlier rows lead to. */
function pinWords({ pins, verdict }: ChainReport): string {
  const broken = verdict?.findings.filter(({ code }) => code === 'unexpected_head') ?? []
  const newestFirst = pins.toSorted((one, other) => other.seq - one.seq)
  const [newest] = newestFirst
  const pin =
    newestFirst.find(({ seq }) => broken.some((one) => one.seqFrom <= seq && seq <= one.seqTo)) ?? newest
  return pin === undefined ? '' : ` --expect-head ${pin.seq}:${pin.hash}`
}

/** Names the host and the database of a URL, and neither its user nor its password nor its parameters. */
function databaseText(context: Context): string {
  const { databaseUrl } = context.settings
  if (databaseUrl === undefined) return `the embedded PostgreSQL in ${context.home}`
  return `the PostgreSQL database ${serverOf(databaseUrl)}`
}

/** A pipe was read already and has no hash. */
async function fileHash(path: string): Promise<string> {
  const digest = createHash('sha256')
  try {
    for await (const chunk of createReadStream(path)) digest.update(chunk as Buffer)
  } catch {
    return ''
  }
  return `, sha256 ${digest.digest('hex')}`
}
