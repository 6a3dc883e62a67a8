import type { DomainRegistry, EntryReader, QuarantineStore } from '../../ports.js'
import type { Context } from '../context.js'

export async function entriesOf(context: Context): Promise<EntryReader> {
  const { postgresEntryReader } = await import('../../repo/entry-reader.js')
  return postgresEntryReader(await context.database())
}

export async function quarantineOf(context: Context): Promise<QuarantineStore> {
  const { postgresQuarantine } = await import('../../repo/quarantine.js')
  return postgresQuarantine(await context.database())
}

export async function domainsOf(context: Context): Promise<DomainRegistry> {
  const { postgresDomainRegistry } = await import('../../repo/domains.js')
  return postgresDomainRegistry(await context.database())
}
