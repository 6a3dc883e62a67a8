import * as Flags from '@oclif/core/flags'
import { decidedElsewhere, streamTuples } from '../../src/access/relations.js'
import { chainOfObject } from '../../src/chain/self-audit.js'
import { parseSpicedb, spicedbFlags } from '../../src/cli/access/flags.js'
import { listedObjectFlags, parseListedObject } from '../../src/cli/access/relation-flags.js'
import { TUPLE_LIST } from '../../src/cli/access/relation-text.js'
import { parseSubject } from '../../src/cli/access/subject.js'
import { flagValue } from '../../src/cli/flags/flag-value.js'
import { namesFlags } from '../../src/cli/flags/names.js'
import { printStream } from '../../src/cli/output/print-stream.js'
import { note } from '../../src/cli/output/streams.js'
import { AuditCommand } from '../../src/cli/shell/base-command.js'
import { onSameLog } from '../../src/cli/shell/given-log.js'
import { openRelationStore } from '../../src/compose/access.js'
import { openEntryReader } from '../../src/compose/query.js'
import { assertKnown } from '../../src/query/list.js'

export default class RelationList extends AuditCommand {
  static override summary =
    'List the relations on a chain, in a group, or on --all; with --json, one per line'

  static override flags = {
    ...listedObjectFlags,
    ...namesFlags,
    ...spicedbFlags,
    subject: Flags.string({
      helpValue: 'SUBJECT',
      summary: 'only relations of exactly this user:ID, service:ID or group:NAME#member',
    }),
  }

  override async run(): Promise<void> {
    const parsed = await this.parse(RelationList)
    const { flags } = parsed
    const { subject } = flags
    if (parseSpicedb(flags) !== undefined) throw decidedElsewhere()
    const object = parseListedObject(parsed)
    const filter = {
      object,
      subject: subject === undefined ? undefined : flagValue('--subject', () => parseSubject(subject)),
    }
    const context = await this.context(flags)
    const tuples = streamTuples(await openRelationStore(context), filter)
    const count = await printStream(this.out, tuples, {
      json: flags.json,
      ...TUPLE_LIST,
    })
    if (count > 0) return
    const chain = object === undefined ? undefined : chainOfObject(object)
    if (chain !== undefined) await assertKnown(await openEntryReader(context), chain)
    note(onSameLog('no relations; run: audit relation grant'))
  }
}
