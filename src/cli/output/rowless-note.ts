import type { RowlessStamps } from '../../ports/verify.js'

/** Returns the note about archive stamps without a row; none where there are none. */
export function rowlessNotes(domainId: string, rowless: RowlessStamps | undefined): string[] {
  if (rowless === undefined) return []
  const { count, firstSeqs } = rowless
  const [stamps, name] = count === 1 ? ['stamp', 'names'] : ['stamps', 'name']
  const more = count > firstSeqs.length ? ', …' : ''
  return [
    `note: chain ${domainId}: ${count} archive ${stamps} ${name} no row of the database (${firstSeqs.join(', ')}${more}): the stamp was forged, or its row was deleted; compare with the mirror: audit verify --source both`,
  ]
}
