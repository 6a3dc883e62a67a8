import { AuditError } from '../../base/errors.js'
import { type ParsedChain, parseTypedChain } from '../flags/chain.js'
import type { ChainNames } from '../flags/chain-names.js'
import { parsePin } from '../verify/flags.js'
import type { BundleOptions } from './verify-run.js'

interface BundleFlags extends ParsedChain {
  readonly args: { readonly file?: string | undefined }
  readonly flags: ParsedChain['flags'] & {
    readonly 'from-seq'?: string | undefined
    readonly 'to-seq'?: string | undefined
    readonly 'expect-head'?: string | undefined
    readonly 'expect-heads'?: string | undefined
    readonly remember?: string | undefined
    readonly 'allow-filtered'?: boolean | undefined
    readonly json: boolean
  }
}

/** Parses the flags of `verify --source bundle FILE`. The file itself names its chain and its rows. Throws `usage`. */
export function parseBundle(parsed: BundleFlags, names: ChainNames): BundleOptions {
  const { flags, args } = parsed
  const { file } = args
  if (file === undefined) throw new AuditError('usage', '--source bundle: expected the FILE to verify')
  if (flags.all === true || (flags['from-seq'] ?? flags['to-seq']) !== undefined) {
    throw new AuditError('usage', '--all, --from-seq and --to-seq cannot be combined with --source bundle')
  }
  const [pin, pins] = [flags['expect-head'], flags['expect-heads']]
  if (pin !== undefined && pins !== undefined) {
    throw new AuditError('usage', '--expect-head and --expect-heads exclude each other')
  }
  return {
    path: file,
    domainId: parseTypedChain(parsed),
    expectHead: pin === undefined ? undefined : parsePin(pin),
    expectHeads: pins,
    remember: flags.remember,
    allowFiltered: flags['allow-filtered'] === true,
    json: flags.json,
    names,
  }
}

/** Throws `usage` where FILE or a flag of bundles was given for another source. */
export function assertNoBundle({ args, flags }: Pick<BundleFlags, 'args' | 'flags'>): void {
  if (args.file === undefined && flags['allow-filtered'] !== true) return
  throw new AuditError('usage', 'FILE and --allow-filtered need --source bundle')
}
