import pg from 'pg'

/**
 * A client that closes its socket after a failed login. pg leaves that socket open (SCRAM without a password), and the
 * process would live on until the server closes it after a minute.
 */
export class ClosingClient extends pg.Client {
  override connect(): Promise<pg.Client>
  override connect(callback: (error?: Error) => void): void
  override connect(callback?: (error?: Error) => void): Promise<pg.Client> | undefined {
    const connected = this.#connect()
    if (callback === undefined) return connected
    connected.then(() => callback(), callback)
    return undefined
  }

  async #connect(): Promise<pg.Client> {
    try {
      await super.connect()
      return this
    } catch (error) {
      void this.end()
      throw error
    }
  }
}
