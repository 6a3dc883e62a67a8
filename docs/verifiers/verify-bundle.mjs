#!/usr/bin/env node
// Verifies one evidence bundle of `audit export` (docs/evidence.md, src/chain/FORMAT.md). Needs only Node 20,
// and shares no code with the program that wrote the bundle. Prints the result as JSON; with --rows, every row instead.
//   node verify-bundle.mjs FILE [--expect-head SEQ:HASH] [--allow-filtered] [--rows]
// Exit codes: 0 intact, 1 a divergence was found, 2 usage, 3 could not be checked, 4 nothing to verify, 70 a bug here.
import { createHash } from 'node:crypto'
import { openSync, readSync, writeSync } from 'node:fs'
import { parseArgs } from 'node:util'
import { gunzipSync, inflateRawSync } from 'node:zlib'

const LIMIT = { member: 2 ** 24, packed: 2 ** 21 + 2 ** 16, segment: 2 ** 21, ratio: 64, canonical: 2 ** 16 }
const [MAX_SEQ, ZERO] = [2 ** 53 - 1, '0'.repeat(64)]
const REASONS = ['granted', 'out_of_scope', 'insufficient_relation', 'caveat_violation']
const RANK = `malformed_row entry_hash_mismatch broken_link seq_gap duplicate_seq object_missing object_malformed
  orphan_object head_mismatch unexpected_head`
const refuse = (exit, code, message) => {
  throw Object.assign(new Error(message), { exit, code })
}
const must = (isSo, what) => isSo || refuse(3, 'bundle_malformed', `not a whole evidence bundle: ${what}`)
const sha256 = (bytes) => createHash('sha256').update(bytes).digest()
const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })

/** Adds a finding; neighbours with the same code merge into a range. */
class Findings extends Array {
  latest = {}
  add(code, from, to, detail, expected, observed) {
    const last = this.latest[code]
    const isNew = last === undefined || last.seq_from > to + 1 || from > last.seq_to + 1
    if (isNew) this.push((this.latest[code] = { code, seq_from: from, seq_to: to, expected, observed, detail }))
    else Object.assign(last, from < last.seq_from && { seq_from: from, expected, observed, detail }, { seq_to: Math.max(last.seq_to, to) })
  }
}

const ROW =
  /^\{"seq":(-?\d{1,16}),"prev_hash":(?:null|"([0-9a-f]{64})"),"entry_hash":(?:null|"([0-9a-f]{64})"),(?:"canonical_bytes":"([^"]+)"|"problem":"[ !#-[\]-~]{1,200}")\}$/
/** A ustar header as an export writes it: a plain file, with only a name, a size and a checksum. */
const HEADER =
  /^(?=.{99}\x000000644\0)(\w[\w.-]*(?:\/\w[\w.-]*)*)\0+0000644\0(?:0000000\0){2}([0-7]{11})\x0002263523000\0([0-7]{6})\0 0\0{100}ustar\x0000\0{64}(?:0000000\0){2}\0{167}$/s

function* membersOf(path) {
  const file = openSync(path, 'r')
  const read = (length, isEnd = false) => {
    let [bytes, found, got] = [Buffer.alloc(length), 0, 1]
    while (found < length && got > 0) found += got = readSync(file, bytes, found, length - found) // a pipe may return less
    must(found === length || isEnd, 'the file is cut')
    return bytes.subarray(0, found)
  }
  const isZero = (bytes) => bytes.every((byte) => byte === 0)
  for (let block = read(512); !isZero(block); block = read(512)) {
    const [, name, size, checksum] = HEADER.exec(block.toString('latin1')) ?? []
    const sum = block.fill(' ', 148, 156).reduce((total, byte) => total + byte, 0)
    must(sum === Number.parseInt(checksum, 8), 'a member is not a plain file, or its header is malformed')
    const length = Number.parseInt(size, 8)
    must(length <= LIMIT.member, 'a member exceeds the size limit')
    const content = read(Math.ceil(length / 512) * 512)
    must(isZero(content.subarray(length)), 'a member is not padded with zeros')
    yield { name, content: content.subarray(0, length) }
  }
  must(isZero(read(512)) && read(1, true).length === 0, 'there are bytes after the end of the tar')
}

function gunzip(bytes) {
  const body = bytes.subarray(10, -8)
  const isOurs = bytes.length <= LIMIT.packed && bytes.toString('hex', 0, 10) === '1f8b08000000000000ff'
  try {
    const maxOutputLength = Math.min(LIMIT.segment, body.length * LIMIT.ratio)
    // gunzip checks the sums, but joins members and ignores trailing bytes, so find where the stream ends.
    const { engine } = inflateRawSync(body, { maxOutputLength, info: true })
    if (isOurs && engine.bytesWritten === body.length) return gunzipSync(bytes, { maxOutputLength })
  } catch {}
  return must(false, 'a segment does not decompress within its limits')
}

const isInt = (values) => values.every((value) => Number.isInteger(value) && Math.abs(value) <= 2 ** 53)
const isLike = (pattern, values) => values.every((value) => typeof value === 'string' && pattern.test(value))
const [UUID, HASH] = [/^(?![0-]*$)[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/, /^[0-9a-f]{64}$/]
const FILTER = ['subject_pseudonym', 'relation', 'object_type', 'object_id', 'reason', 'correlation_id']
// Keys are names, nesting is shallow, numbers are integers: languages parse other JSON differently.
const LINE = /^ {0,16}(?:"[a-z][a-z0-9_]*": (?:-?[0-9]{1,16}|[a-z]+|"[^\n]*")|(?:"[a-z][a-z0-9_]*": )?(?:[[{][\]}]?|[\]}])?),?$/

/** Returns whether the manifest has all required fields and does not contradict itself. */
function isManifest({ format, domain_id, selection, predecessor, head, rows, first_seq, last_seq, report, segments }) {
  const { kind, from_seq: from, to_seq: to, to_end: toEnd, filter } = selection
  const [keys, isFiltered] = [Object.keys(filter), Object.keys(filter).length > 0]
  const isLink = predecessor === undefined || (!isFiltered && from > 1 && predecessor.seq === from - 1)
  const heads = [predecessor, head].filter((one) => one !== undefined)
  const hashes = [...heads.map(({ hash }) => hash), ...segments.map(({ sha256 }) => sha256)]
  const counts = segments.flatMap((one) => [one.rows, one.first_seq, one.last_seq, one.bytes])
  const [{ first_seq: first } = { first_seq }, { last_seq: last } = { last_seq }] = [segments[0], segments.at(-1)]
  const isNamed = segments.every(({ name }, i) => name === `audit-bundle/rows/${String(i + 1).padStart(8, '0')}.ndjson.gz`)
  const ints = [from, to, rows, first_seq, last_seq, ...heads.map(({ seq }) => seq), ...counts]
  const isFilter = `${filter}` === '[object Object]' && keys.every((key) => FILTER.includes(key)) && isLike(/^/, Object.values(filter))
  const isKind = kind === (isFiltered ? 'filtered' : from === 1 && toEnd ? 'chain' : 'range')
  const isRange = from >= 1 && to >= from && from <= MAX_SEQ && (toEnd === false || (toEnd === true && to === Math.max(from, last_seq)))
  const isReport = isLike(/^audit-bundle\/report\.html$/, [report?.name]) && isLike(HASH, [report.sha256]) && isInt([report.bytes])
  const isFormat = report === undefined ? format === 'audit-bundle/1' : format === 'audit-bundle/2' && isReport
  const isTyped = isFormat && isLike(UUID, [domain_id]) && isLike(HASH, hashes) && isInt(ints)
  const isSum = rows === segments.reduce((sum, one) => sum + one.rows, 0) && first === first_seq && last === last_seq
  return isTyped && isFilter && isKind && isRange && isLink && isNamed && isSum
}

function readManifest({ name, content } = {}) {
  must(name === 'audit-bundle/manifest.json', 'the first member is not a manifest')
  try {
    const [json, manifest] = [decoder.decode(content), JSON.parse(decoder.decode(content))]
    // Refuses duplicate keys, odd spellings and lone surrogates, which readers might parse differently.
    const isSpelled = `${JSON.stringify(manifest, null, 2)}\n` === json && !json.replaceAll('\\\\', '').includes('\\ud')
    if (isSpelled && json.split('\n').every((line) => LINE.test(line)) && isManifest(manifest)) return manifest
  } catch {}
  return must(false, 'manifest.json does not have the form that an export writes')
}

/** Returns the fields of canonical bytes, or undefined if no append can have written them. */
function decode(bytes) {
  let at = 0
  // A read beyond the end leaves `at` beyond it, which is checked last.
  const take = (length) => bytes.subarray(at, (at += length))
  const count = () => take(4).readUInt32BE()
  const text = () => decoder.decode(take(count()))
  const list = () => Array.from({ length: Math.min(count(), 65) }, text)
  const fits = (min, max, ...texts) =>
    texts.every((one) => Buffer.byteLength(one) >= min && Buffer.byteLength(one) <= max && !one.includes('\0'))
  try {
    const [magic, id] = [take(4).toString('latin1'), take(16).toString('hex')]
    const domain_id = id.replace(/^(.{8})(.{4})(.{4})(.{4})/, '$1-$2-$3-$4-')
    const [seq, subject_pseudonym] = [Number(take(8).readBigUInt64BE()), take(32).toString('hex')]
    const [relation, object, reason, relation_path] = [text(), text(), REASONS[take(1)[0] - 1], list()]
    const [caveat_context, correlation_id, zedtoken, micros] = [list(), text(), text(), take(8).readBigInt64BE()]
    const isName = (name, i) => /^[A-Za-z_]\w{0,62}(\.[A-Za-z_]\w{0,62})?$/.test(name) && !(caveat_context[i - 1] >= name)
    const isPlaced = magic === 'PXA1' && isLike(UUID, [domain_id]) && seq >= 1 && seq <= MAX_SEQ && reason !== undefined
    const isText = fits(1, 128, relation) && fits(0, 256, correlation_id) && fits(0, 1024, zedtoken) && fits(1, 512, ...relation_path)
    const isObject = /^[a-z][a-z0-9_/-]{0,63}:/.test(object) && fits(1, 512, object.slice(object.indexOf(':') + 1))
    const isList = caveat_context.every(isName) && caveat_context.length <= 64 && relation_path.length <= 64
    const isTime = micros >= -62135596800000000n && micros <= 253402300799999999n
    if (!(isPlaced && isText && isObject && isList && isTime && at === bytes.length)) return undefined
    const part = ((micros % 1000000n) + 1000000n) % 1000000n
    const second = new Date(Number((micros - part) / 1000n)).toISOString().slice(0, 19)
    const recorded_at = `${second}.${String(part).padStart(6, '0')}Z`
    const [object_type, object_id] = [object.split(':', 1)[0], object.slice(object.indexOf(':') + 1)]
    const fields = { domain_id, seq, subject_pseudonym, relation, object_type, object_id, reason, relation_path, caveat_context }
    return { ...fields, correlation_id, zedtoken, recorded_at }
  } catch {
    return undefined
  }
}

/** Parses a line as a row; returns undefined if it is not a row. */
function readLine(line) {
  const [, digits, prev, entry, base64] = ROW.exec(line) ?? []
  const [seq, canonical] = [Number(digits), Buffer.from(base64 ?? '', 'base64')]
  if (String(seq) !== digits || Math.abs(seq) > 2 ** 53) return undefined
  if (base64 === undefined) return { seq, prev, entry }
  const isWhole = prev && entry && canonical.length <= LIMIT.canonical && canonical.toString('base64') === base64
  return isWhole ? { seq, prev, entry, canonical, fields: decode(canonical) } : undefined
}

/** Reads the members after the manifest, and judges them by the manifest and row by row. */
class Bundle {
  found = new Findings()
  constructor({ domain_id, selection, predecessor, report, segments }, pin, onRow, at = selection.from_seq - 1) {
    const files = ['README.txt', 'verify-bundle.mjs', 'verify_bundle.py'].map((name) => ({ name: `audit-bundle/${name}` }))
    // Keys that are not checked, such as first_seq, must not make the report a segment.
    const page = report ? [{ name: report.name, bytes: report.bytes, sha256: report.sha256 }] : []
    Object.assign(this, selection, { domain_id, pin, onRow, expected: [...files, ...page, ...segments], next: 0 })
    this.places = new Map(this.expected.map(({ name }, place) => [name, place]))
    // `at` is the current seq; `hashes` are the hashes of its rows, `before` the hashes of the row before.
    // `time` is the earliest time of these rows that hash, `timeBefore` the time of the nearest row before that hashes.
    Object.assign(this, { rows: 0, seq: at, at, hashes: at === 0 ? [ZERO] : [], before: [], rowsHere: 0, timeBefore: '' })
    if (predecessor !== undefined) this.#remember(predecessor.hash)
  }
  read(members) {
    for (const { name, content } of members) {
      const place = this.places.get(name) ?? -1
      if (place < this.next) this.found.add('orphan_object', 0, 0, `member ${name} is not in the manifest, or not in its place`)
      else this.#skipTo(place)
      if (place === this.next) this.#member(this.expected[this.next++], content)
    }
    this.#skipTo(this.expected.length)
  }
  /** Judges a segment, or the report by its hash; of the other files only the names count. */
  #member(one, content) {
    if (one.first_seq !== undefined) this.#segment(one, gunzip(content))
    else if (one.sha256 !== undefined && (one.bytes !== content.length || sha256(content).toString('hex') !== one.sha256))
      this.found.add('object_malformed', 0, 0, `${one.name} is not the one that was written`)
  }
  #skipTo(place) {
    for (const { name, first_seq = 0, last_seq = 0 } of this.expected.slice(this.next, place))
      this.found.add('object_missing', first_seq, last_seq, `member ${name} is missing`)
    this.next = place
  }
  #segment({ name, rows, first_seq, last_seq, bytes, sha256: hash }, content) {
    const lines = content.toString('latin1').split('\n')
    if (lines.pop() !== '') lines.push('')
    const [first = this.seq + 1] = lines.map((line) => this.#line(readLine(line)))
    const isCount = [lines.length, first, this.seq, content.length].join() === [rows, first_seq, last_seq, bytes].join()
    if (!isCount || sha256(content).toString('hex') !== hash)
      this.found.add('object_malformed', first_seq, last_seq, `${name} is not the one that was counted`)
  }
  #line(row) {
    this.seq = row?.seq ?? this.seq + 1
    const { seq } = this
    const isOutside = (this.from_seq > 1 && seq < this.from_seq) || seq > this.to_seq
    const isWanted = ([key, value]) => row.fields[key] === value
    if (row === undefined) this.found.add('object_malformed', seq, seq, 'a line that is no row')
    else if (isOutside || (row.fields && !Object.entries(this.filter).every(isWanted)))
      this.found.add('orphan_object', seq, seq, 'not a row that was asked for')
    if (row !== undefined && !isOutside) this.#judge(row)
    return seq
  }
  /** Judges a row by its own bytes and prev_hash, and by the stored hashes of the row before. */
  #judge(row) {
    const { seq, prev, entry } = row
    const find = (code, what, expected, observed) => this.found.add(code, seq, seq, what, expected, observed)
    this.rows += 1
    if (this.last === undefined || seq > this.last.seq) this.last = { seq, hashes: [] }
    if (seq === this.last.seq) this.last.hashes.push(entry)
    this.onRow(row.fields ?? row)
    if (seq < 1 || seq > MAX_SEQ || seq < this.at) return find('malformed_row', 'seq: none, or out of order', undefined, entry)
    if (seq === this.at) find('duplicate_seq', 'it is there more than once', this.hashes[0], entry)
    else {
      this.gap(seq, prev)
      const before = seq === this.at + 1 && this.rowsHere <= 16 ? this.hashes : []
      Object.assign(this, { before, hashes: [], at: seq, rowsHere: 0, time: undefined, timeBefore: this.time ?? this.timeBefore })
    }
    this.rowsHere += 1
    this.#judgeHash(row, find)
    const [expected] = this.before
    if (expected && prev && !this.before.includes(prev)) find('broken_link', 'prev_hash is not the entry_hash before', expected, prev)
    return this.#remember(entry)
  }
  gap(next, expected) {
    if (next > this.at + 1 && this.kind !== 'filtered') this.found.add('seq_gap', this.at + 1, next - 1, 'rows are missing', expected)
  }
  #judgeHash({ seq, prev, entry, canonical, fields }, find) {
    let isWhole = false
    if (canonical !== undefined) {
      const link = (hash) => sha256(Buffer.concat([Buffer.from(hash, 'hex'), sha256(canonical)])).toString('hex')
      const computed = link(prev)
      isWhole = computed === entry
      const original = isWhole ? prev : this.before.find((hash) => link(hash) === entry)
      if (original === undefined) return find('entry_hash_mismatch', 'does not hash to its entry_hash', computed, entry)
      if (!isWhole) find('broken_link', 'prev_hash was changed; the row itself is whole', original, prev)
    }
    const isSo = fields?.seq === seq && fields.domain_id === this.domain_id
    if (!isSo) return find('malformed_row', 'its bytes are those of another row, or of none', undefined, entry)
    return isWhole && this.#judgeTime(fields.recorded_at, (what) => find('malformed_row', what, undefined, entry))
  }
  #judgeTime(time, report) {
    if (time < this.timeBefore) report(`recorded_at ${time} is before ${this.timeBefore}, the time of an earlier row`)
    if (this.time === undefined || time < this.time) this.time = time
  }
  #remember(entry) {
    if (this.pin?.seq === this.at) Object.assign(this, { isMet: this.isMet || entry === this.pin.hash, seen: entry })
    if (entry !== undefined && this.hashes.length < 16) this.hashes.push(entry)
  }
  judgeHead(head) {
    const { seq, hashes } = this.last ?? { seq: 0, hashes: [ZERO] }
    const known = hashes.find((hash) => hash !== undefined)
    const at = Math.max(1, head === undefined || head.seq === seq ? seq : Math.min(head.seq, seq) + 1)
    const isLast = head?.seq === seq && (known === undefined || hashes.includes(head.hash))
    if (!isLast) this.found.add('head_mismatch', at, Math.max(at, head?.seq ?? 1, seq), 'it is not the last row', known, head?.hash)
  }
}

/** Whether the pinned row lies before or after the rows of a selection, so that the file cannot show whether the chain has it. */
const lacks = ({ from_seq, to_seq, to_end }, pin) => pin !== undefined && (pin.seq < from_seq - 1 || (!to_end && pin.seq > to_seq))

function verify(path, pin, allowFiltered, onRow) {
  const members = membersOf(path)
  const manifest = readManifest(members.next().value)
  const { domain_id, selection, head } = manifest
  const { kind, from_seq, to_seq, to_end } = selection
  const complete = kind !== 'filtered'
  if (manifest.segments.length === 0 || manifest.rows === 0) refuse(4, 'nothing_to_verify', 'the bundle has no rows')
  const isOutside = lacks(selection, pin)
  const bundle = new Bundle(manifest, pin, onRow)
  const { found } = bundle
  try {
    bundle.read(members)
  } catch (error) {
    // The rest of the file could not be checked, but findings before the cut are still findings.
    if (error.code !== 'bundle_malformed' || found.length === 0) throw error
    found.add('object_malformed', bundle.seq + 1, bundle.seq + 1, `from here on: ${error.message}`)
  }
  if (complete && to_end) bundle.judgeHead(head)
  else bundle.gap(to_seq + 1)
  const lacksPin = pin !== undefined && !bundle.isMet
  if (lacksPin && !isOutside && (complete || bundle.seen))
    found.add('unexpected_head', pin.seq, pin.seq, 'the pinned head is not in the chain', pin.hash, bundle.seen)
  const findings = [...found].sort((a, b) => a.seq_from - b.seq_from || RANK.indexOf(a.code) - RANK.indexOf(b.code))
  const end = complete && to_end ? Math.max(to_seq, head?.seq ?? 0, bundle.last?.seq ?? 0) : to_seq
  const hash = bundle.at >= from_seq ? bundle.hashes.at(-1) : undefined
  const ok = findings.length === 0 && !isOutside && (complete || (allowFiltered && !lacksPin))
  const last = hash === undefined ? { seq: 0, hash: ZERO } : { seq: bundle.at, hash }
  const segment = { segment_from: from_seq, segment_to: end, rows: bundle.rows, head: last }
  return { ok, domain_id, source: 'bundle', ...segment, complete, selection, findings }
}

function main(args) {
  const options = { 'expect-head': { type: 'string' }, 'allow-filtered': { type: 'boolean' }, rows: { type: 'boolean' } }
  const { values, positionals } = parseArgs({ args, options, allowPositionals: true })
  const [, seq, hash] = /^([1-9]\d{0,15}):([0-9a-f]{64})$/i.exec(values['expect-head'] ?? `1:${ZERO}`) ?? []
  if (positionals.length !== 1 || !(Number(seq) <= MAX_SEQ)) refuse(2, 'usage', 'expected FILE, and --expect-head SEQ:HASH')
  const ascii = (json) => json.replace(/[^\n -~]/g, (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`) // safe on a terminal
  const print = (value, space) => writeSync(1, ascii(`${JSON.stringify(value, null, space)}\n`))
  const pin = values['expect-head'] === undefined ? undefined : { seq: Number(seq), hash: hash.toLowerCase() }
  const result = verify(positionals[0], pin, values['allow-filtered'] === true, values.rows ? print : () => undefined)
  if (!values.rows) print(result, 2)
  const verdict =
    result.findings.length > 0
      ? 'DIVERGED'
      : result.ok
        ? 'intact'
        : `PARTIAL: ${lacks(result.selection, pin) ? 'the pinned row lies outside the file, which cannot show whether the chain still has it' : 'a selection cannot show that no row is missing'}`
  process.stderr.write(`${verdict}  ${result.rows} rows, ${result.selection.kind}, head ${result.head.seq}:${result.head.hash}\n`)
  return result.findings.length > 0 ? 1 : result.ok ? 0 : 3
}

try {
  process.exitCode = main(process.argv.slice(2))
} catch (error) {
  process.exitCode = error.exit ?? (error.syscall ? 3 : /^ERR_PARSE/.test(error.code) ? 2 : 70)
  process.stderr.write(`Error: ${error.code ?? 'internal'}: ${error.exit ? error.message : (error.code ?? error.stack)}\n`)
}
