import { at, type BundleAttack, changed, damagedFile, foundIn, whole } from './attack.js'
import { built, FOLDER, type Parts, sha256 } from './bundle.js'

const NAME = `${FOLDER}report.html`
const PAGE = Buffer.from('<!doctype html><title>a page</title>')
const entry = { name: NAME, bytes: PAGE.length, sha256: sha256(PAGE) }

/** A whole bundle with a page after the three files. */
function reported(): Parts {
  const parts = whole()
  Object.assign(parts.manifest, { format: 'audit-bundle/2', report: { ...entry, note: 'for people' } })
  parts.members.splice(3, 0, { name: NAME, content: PAGE })
  return parts
}

const withEntry = (report: unknown) => changed((parts) => Object.assign(parts.manifest, { report }), reported)
const withPage = (content: Buffer) =>
  changed((parts) => parts.members.splice(3, 1, { name: NAME, content }), reported)

const intact = (name: string, make: () => Buffer): BundleAttack => ({ name, make, exit: 0 })

/** Bundles with a page for people, and attempts to pass a page as something else. */
export const REPORTS: readonly BundleAttack[] = [
  intact('report: a bundle with a page', () => built(reported())),
  intact(
    'report: keys that look like those of a segment',
    withEntry({ ...entry, first_seq: 4, last_seq: 6, rows: 3 }),
  ),
  foundIn('report: another page', withPage(Buffer.from('x')), at('object_malformed', 0)),
  foundIn(
    'report: a page with one other byte',
    withPage(Buffer.from(PAGE.toString().replace('page', 'pagf'))),
    at('object_malformed', 0),
  ),
  foundIn('report: the length of another page', withEntry({ ...entry, bytes: 5 }), at('object_malformed', 0)),
  foundIn(
    'report: no page',
    changed((parts) => parts.members.splice(3, 1), reported),
    at('object_missing', 0),
  ),
  foundIn(
    'report: no page, and an entry with the seqs of rows',
    changed((parts) => {
      parts.members.splice(3, 1)
      Object.assign(parts.manifest, { report: { ...entry, first_seq: 4, last_seq: 6 } })
    }, reported),
    at('object_missing', 0),
  ),
  foundIn(
    'report: a page after the rows',
    changed((parts) => parts.members.push(...parts.members.splice(3, 1)), reported),
    at('object_missing', 0),
    at('orphan_object', 0),
  ),
  foundIn(
    'report: two pages',
    changed((parts) => parts.members.splice(3, 0, { name: NAME, content: PAGE }), reported),
    at('orphan_object', 0),
  ),
  foundIn(
    'report: a page that the manifest does not name',
    changed((parts) => parts.members.splice(3, 0, { name: NAME, content: PAGE })),
    at('orphan_object', 0),
  ),
  damagedFile(
    'report: format 1 with a page',
    changed((parts) => Object.assign(parts.manifest, { format: 'audit-bundle/1' }), reported),
  ),
  damagedFile(
    'report: format 2 without a page',
    changed((parts) => Object.assign(parts.manifest, { format: 'audit-bundle/2' })),
  ),
  damagedFile('report: another name', withEntry({ ...entry, name: `${FOLDER}README.txt` })),
  damagedFile(
    'report: a name of a segment',
    withEntry({ ...entry, name: `${FOLDER}rows/00000001.ndjson.gz` }),
  ),
  damagedFile('report: no hash', withEntry({ name: NAME, bytes: 1 })),
  damagedFile('report: no bytes', withEntry({ name: NAME, sha256: entry.sha256 })),
  damagedFile('report: bytes as text', withEntry({ ...entry, bytes: '36' })),
  damagedFile('report: null', withEntry(null)),
  damagedFile('report: a list', withEntry([entry])),
]
