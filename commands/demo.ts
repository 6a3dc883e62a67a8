import { AuditCommand } from '../src/cli/shell/base-command.js'

export default class Demo extends AuditCommand {
  static override summary =
    'Append real events, verify them, forge one row, and see it found, in a temporary home'

  override async run(): Promise<void> {
    await this.parse(Demo)
    const { runDemo } = await import('../src/cli/demo/run.js')
    await runDemo(this.config.root, this.out, this.signal)
  }
}
