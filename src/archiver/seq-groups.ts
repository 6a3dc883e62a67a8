/** Ascending seqs in groups that span at most `span` numbers each: what is read of a chain at once stays bounded. */
export function seqGroups(seqs: readonly number[], span: number): number[][] {
  const groups: number[][] = []
  for (const seq of seqs) {
    const group = groups.at(-1)
    if (group !== undefined && seq < (group[0] ?? 0) + span) group.push(seq)
    else groups.push([seq])
  }
  return groups
}
