import { encodeBase64 } from './base64.js'
import { parseDecimal } from './decimal.js'
import { KEY_TYPE, parseVkey, type VerifierKey, vkeyText } from './vkey.js'

/** Which logs and witnesses a verifier trusts (c2sp.org/tlog-policy). */
export interface Policy {
  readonly logs: readonly VerifierKey[]
  readonly witnesses: readonly VerifierKey[]
  /** The number of witnesses in the smallest quorum; 0 where the policy has none. */
  readonly leastWitnesses: number
  /** Returns whether these witnesses are enough. */
  isQuorum(signers: ReadonlySet<VerifierKey>): boolean
}

/** What is wrong with a policy, and in which line, from 1. */
export interface PolicyProblem {
  readonly line: number
  readonly problem: string
}

/**
 * The first line of a policy whose key comes from the log itself. Somebody must compare the key with the operator of the log,
 * and remove the line, before the policy proves anything.
 */
const UNCOMPARED = '# from the log itself: compare this key with its operator before you trust it'

export const POLICY_BYTES = 64 * 1024

/**
 * Returns the policy that trusts one log and no witness. `isCompared`: whether the key does not come from rows of the log alone;
 * otherwise the policy begins with a line that keeps it from being read.
 */
export function logPolicyText(log: VerifierKey, isCompared: boolean): string {
  const lines = [`log ${vkeyText(log)}`, 'quorum none']
  return [...(isCompared ? [] : [UNCOMPARED]), ...lines].map((line) => `${line}\n`).join('')
}

/** A witness, or a group with the number of its members that must have signed. In the order of the file. */
type Definition =
  | { readonly name: string; readonly key: VerifierKey }
  | { readonly name: string; readonly members: readonly string[]; readonly least: number }

/** A witness whose cosignatures have a type that is not checked here: it is allowed in a policy, and never counted. */
const UNCOUNTED_TYPE = 0x06

/** Reads a policy, a file of octets with ASCII syntax. */
export function parsePolicy(bytes: Uint8Array): Policy | PolicyProblem {
  if (bytes.length > POLICY_BYTES) return { line: 1, problem: `expected at most ${POLICY_BYTES} bytes` }
  // One character per octet: names are opaque, and only the names of keys are UTF-8.
  const lines = Array.from(bytes, (byte) => String.fromCharCode(byte))
    .join('')
    .split('\n')
  if (lines.pop() !== '')
    return { line: lines.length + 1, problem: 'the last line does not end with a newline' }
  const reader = new PolicyReader()
  for (const [at, line] of lines.entries()) {
    const problem = reader.read(line)
    if (problem !== undefined) return { line: at + 1, problem }
  }
  return reader.finish() ?? { line: lines.length, problem: 'there is no line "quorum …"' }
}

class PolicyReader {
  readonly #logs: VerifierKey[] = []
  readonly #definitions: Definition[] = []
  readonly #names = new Set<string>()
  /** The names that are members of a group. Each witness counts in one way only. */
  readonly #members = new Set<string>()
  readonly #keys = new Set<string>()
  #quorum: string | undefined

  /** Reads the next line, and returns what is wrong with it. */
  read(line: string): string | undefined {
    if (line.trim() === UNCOMPARED) return 'nobody has compared the key with the operator of the log yet'
    if (/[^\t\x20-\x7e\x80-\xff]/.test(line)) return 'a control character is not allowed'
    const [word = '', ...items] = line.split(/[ \t]+/).filter((item) => item !== '')
    if (word === '' || word.startsWith('#')) return undefined
    if (word === 'log') return this.#log(items)
    if (word === 'witness') return this.#witness(items)
    if (word === 'group') return this.#group(items)
    if (word === 'quorum') return this.#setQuorum(items)
    return `expected log, witness, group or quorum, got ${JSON.stringify(word)}`
  }

  /** Returns the policy; undefined where no line named the quorum. */
  finish(): Policy | undefined {
    const [quorum, definitions] = [this.#quorum, this.#definitions]
    if (quorum === undefined) return undefined
    const witnesses = definitions.flatMap((one) => ('key' in one ? [one.key] : []))
    return {
      logs: this.#logs,
      witnesses,
      leastWitnesses: leastOf(quorum, definitions),
      isQuorum: (signers) => isMet(quorum, definitions, signers),
    }
  }

  #log(items: readonly string[]): string | undefined {
    const key = keyOf(items[0])
    if (items.length < 1 || items.length > 2) return 'expected log VKEY [URL]'
    if (key?.type !== KEY_TYPE.ed25519) return 'expected the vkey of a log (type 0x01)'
    if (this.#isTaken('log', key)) return 'this log was named before'
    this.#logs.push(key)
    return undefined
  }

  #witness(items: readonly string[]): string | undefined {
    const [name = '', vkey] = items
    const key = keyOf(vkey)
    if (items.length < 2 || items.length > 3) return 'expected witness NAME VKEY [URL]'
    if (key?.type !== KEY_TYPE.cosignature && key?.type !== UNCOUNTED_TYPE)
      return 'expected the vkey of a witness (type 0x04)'
    if (this.#isTaken('witness', key)) return 'this witness was named before'
    return this.#define({ name, key })
  }

  #group(items: readonly string[]): string | undefined {
    const [name = '', threshold = '', ...members] = items
    const least = thresholdOf(threshold, members.length)
    if (members.length === 0) return 'expected group NAME all|any|K NAME…'
    if (members.some((member) => !this.#names.has(member))) return 'a member has no line above this one'
    if (members.some((member) => this.#isMember(member))) return 'a name is a member twice'
    if (least === undefined)
      return `expected all, any or a number from 1 to ${members.length}, got ${threshold}`
    return this.#define({ name, members, least })
  }

  #define(definition: Definition): string | undefined {
    const { name } = definition
    if (name === 'none') return 'the name none is taken'
    if (this.#names.has(name)) return `the name ${JSON.stringify(name)} was given before`
    this.#names.add(name)
    this.#definitions.push(definition)
    return undefined
  }

  #setQuorum([name = '', ...more]: readonly string[]): string | undefined {
    if (name === '' || more.length > 0) return 'expected quorum NAME'
    if (this.#quorum !== undefined) return 'there is a quorum already'
    if (name !== 'none' && !this.#names.has(name))
      return `no line above this one defines ${JSON.stringify(name)}`
    this.#quorum = name
    return undefined
  }

  /** Returns whether the name is a member of a group already. From now on it is. */
  #isMember(name: string): boolean {
    const isMember = this.#members.has(name)
    this.#members.add(name)
    return isMember
  }

  /** Returns whether a line of this kind has this public key, or any line this name and key id. From now on one has. */
  #isTaken(kind: 'log' | 'witness', { name, id, publicKey }: VerifierKey): boolean {
    const taken = [`${kind} ${encodeBase64(publicKey)}`, `${name}+${id}`]
    const isTaken = taken.some((one) => this.#keys.has(one))
    for (const one of taken) this.#keys.add(one)
    return isTaken
  }
}

/** Returns whether a witness or group has signed. A group names only what is defined before it. */
function isMet(
  quorum: string,
  definitions: readonly Definition[],
  signers: ReadonlySet<VerifierKey>,
): boolean {
  const met = new Set(['none'])
  for (const one of definitions) {
    const hasSigned =
      'key' in one ? signers.has(one.key) : one.members.filter((name) => met.has(name)).length >= one.least
    if (hasSigned) met.add(one.name)
  }
  return met.has(quorum)
}

/** Returns the number of witnesses in the smallest set that is a quorum. Each name is a member of one group at most. */
function leastOf(quorum: string, definitions: readonly Definition[]): number {
  const counts = new Map([['none', 0]])
  for (const one of definitions) {
    const members = 'key' in one ? [] : one.members.map((name) => counts.get(name) ?? 0)
    const least = 'key' in one ? 0 : one.least
    const fewest = members.sort((a, b) => a - b).slice(0, least)
    counts.set(one.name, 'key' in one ? 1 : fewest.reduce((sum, count) => sum + count, 0))
  }
  return counts.get(quorum) ?? 0
}

const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })

function keyOf(item: string | undefined): VerifierKey | undefined {
  try {
    return parseVkey(utf8.decode(Uint8Array.from(item ?? '', (character) => character.charCodeAt(0))))
  } catch {
    // The octets are not UTF-8, so they are no vkey.
    return undefined
  }
}

function thresholdOf(text: string, members: number): number | undefined {
  if (text === 'all') return members
  const least = text === 'any' ? 1 : parseDecimal(text, 1)
  return least !== undefined && least <= members ? least : undefined
}
