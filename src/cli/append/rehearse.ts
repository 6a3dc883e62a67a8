import { toAppendItems } from '../../append/append-item.js'
import type { Candidate, Candidates } from '../../append/input/candidates.js'
import type { InputEntry } from '../../append/input/input-line.js'
import { type Chains, createResolver } from '../../append/residency.js'
import { AuditError } from '../../base/errors.js'
import type { Pepper } from '../../ports/pepper.js'
import { located } from './refused.js'

/** No row is written under it. */
const NO_PEPPER: Pepper = { pepperOf: async () => new Uint8Array(32) }

/** Throws the error with which a log without Domains would refuse the entry. Opens no database. */
export async function rehearse(entry: InputEntry, defaults: Chains): Promise<void> {
  const resolver = createResolver(async () => false)
  const [item] = await toAppendItems([entry], { pepper: NO_PEPPER, resolver, defaults })
  if (item instanceof AuditError) throw item
}

/**
 * Returns the candidates again, after a rehearsal of the first one, which a new log would take or refuse in the same way.
 * Throws its refusal, and `invalid_input` where there is no candidate.
 */
export async function rehearseFirst(
  candidates: Candidates,
  defaults: Chains,
  isEmptyInput: () => boolean,
): Promise<Candidates> {
  const rest = candidates[Symbol.asyncIterator]()
  const { value: begin, done } = await rest.next()
  const first = begin?.[0]
  if (done === true || first === undefined) {
    if (isEmptyInput()) throw noEntry()
    return candidates
  }
  const { entry } = first
  const refused = await (entry instanceof AuditError
    ? Promise.reject(entry)
    : rehearse(entry, defaults)
  ).then(
    () => undefined,
    (error: unknown) => error,
  )
  if (refused instanceof AuditError) {
    await rest.return?.()
    throw new AuditError(refused.code, located({ candidate: first, refused }), {
      advice: refused.advice,
      cause: refused,
    })
  }
  if (refused !== undefined) throw refused
  return withFirst(begin, rest)
}

async function* withFirst(
  first: readonly Candidate[],
  rest: AsyncIterator<readonly Candidate[]>,
): AsyncGenerator<readonly Candidate[]> {
  try {
    yield first
    for (let next = await rest.next(); next.done !== true; next = await rest.next()) yield next.value
  } finally {
    await rest.return?.()
  }
}

/** The error of an input without entries. */
export function noEntry(): AuditError {
  return new AuditError('invalid_input', 'the input holds no entry')
}
