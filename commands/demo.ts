import { BareCommand } from '../src/cli/shell/bare-command.js'

export default class Demo extends BareCommand {
  static override mayCreateHome = true
  static override summary =
    'Append real events, verify them, forge one row, and see it found, in a temporary home'
  static override description =
    'Prints each step. With --json it prints what was found at the end. The home is removed afterwards.'

  override async run(): Promise<void> {
    const { flags } = await this.parse(Demo)
    const { runDemo } = await import('../src/cli/demo/run.js')
    await runDemo(this.config.root, { json: flags.json }, this.out, this.signal)
  }
}
