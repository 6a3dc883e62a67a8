import type { DomainRegistry } from '../ports/domains.js'
import type { EntryReader } from '../ports/query.js'
import type { CountStore } from '../ports/stats.js'
import type { Context } from './context.js'

export async function openEntryReader(context: Context): Promise<EntryReader> {
  const { postgresEntryReader } = await import('../repo/query/entry-reader.js')
  return postgresEntryReader(await context.database())
}

/** Opens a reader whose pages are read by the primary key alone: a row that is kept out of a filter's index is in them. */
export async function openKeyReader(context: Context): Promise<EntryReader> {
  const { postgresKeyReader } = await import('../repo/query/entry-reader.js')
  return postgresKeyReader(await context.database())
}

export async function openCountStore(context: Context): Promise<CountStore> {
  const { postgresCounts } = await import('../repo/query/count-rows.js')
  return postgresCounts(await context.database())
}

export async function openDomainRegistry(context: Context): Promise<DomainRegistry> {
  const { postgresDomainRegistry } = await import('../repo/query/domains.js')
  return postgresDomainRegistry(await context.database())
}
