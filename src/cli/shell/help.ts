import { Help } from '@oclif/core/help'
import { EXIT_MEANINGS } from './exit-codes.js'

/** oclif's help, with the exit codes below it. */
export class AuditHelp extends Help {
  override async showHelp(argv: string[]): Promise<void> {
    await super.showHelp(argv)
    this.log(this.section('EXIT CODES', this.renderList(exitCodeRows(), { indentation: 2 })))
  }
}

function exitCodeRows(): [string, string][] {
  return EXIT_MEANINGS.map(({ codes, meaning }) => [codes.join(', '), meaning])
}
