import type { Command } from '@oclif/core/command'
import { Help } from '@oclif/core/help'
import { EXIT_MEANINGS } from './exit-codes.js'

/** oclif's help, with the exit codes below it. */
export class AuditHelp extends Help {
  /** Joins the lines of each paragraph, because oclif wraps them again at the width of the terminal. */
  override formatCommand(command: Command.Loadable): string {
    const { description } = command
    if (description === undefined) return super.formatCommand(command)
    return super.formatCommand({ ...command, description: joinLines(description) })
  }

  override async showHelp(argv: string[]): Promise<void> {
    await super.showHelp(argv)
    this.log(this.section('EXIT CODES', this.renderList(exitCodeRows(), { indentation: 2 })))
  }
}

/** Joins lines that are neither the end of a paragraph nor followed by an indented line. */
function joinLines(text: string): string {
  return text.replace(/(?<!\n)\n(?![\n ])/g, ' ')
}

function exitCodeRows(): [string, string][] {
  return EXIT_MEANINGS.map(({ codes, meaning }) => [codes.join(', '), meaning])
}
