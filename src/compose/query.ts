import type { DomainRegistry } from '../ports/domains.js'
import type { EntryReader } from '../ports/query.js'
import type { Context } from './context.js'

export async function openEntryReader(context: Context): Promise<EntryReader> {
  const { postgresEntryReader } = await import('../repo/query/entry-reader.js')
  return postgresEntryReader(await context.database())
}

export async function openDomainRegistry(context: Context): Promise<DomainRegistry> {
  const { postgresDomainRegistry } = await import('../repo/query/domains.js')
  return postgresDomainRegistry(await context.database())
}
