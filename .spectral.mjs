// The ruleset of docs/openapi.json, for Spectral; test/unit/openapi.unit.test.ts runs it.

const SNAKE_CASE = /^[a-z][a-z0-9]*(_[a-z0-9]+)*$/
const MARK = 'x-plexsphere-names-only'

/** The pattern of a name: anything wider would let a value through. */
const NAME = '^[A-Za-z_][A-Za-z0-9_]*$'

const isName = (schema) => schema?.type === 'string' && schema.pattern === NAME

const isNameList = (schema) => schema?.type === 'array' && isName(schema.items)

/** Ways to widen a schema beside its own keywords. */
const LOOPHOLES = [
  'anyOf',
  'oneOf',
  'allOf',
  'not',
  'if',
  '$ref',
  'patternProperties',
  'properties',
  'const',
  'enum',
]

function namesOnly(schema) {
  const problem = (message) => [{ message: `names only: ${message}` }]
  if (schema?.[MARK] !== true) return problem(`expected ${MARK}: true`)
  const loophole = LOOPHOLES.find((keyword) => keyword in schema)
  if (loophole !== undefined) return problem(`${loophole} would let a value through`)
  if (schema.type !== 'object') return problem('expected type object')
  if (!isName(schema.propertyNames)) return problem('expected propertyNames of the pattern of names')
  if (!isNameList(schema.additionalProperties))
    return problem('expected additionalProperties to be lists of names')
  return []
}

const test = (accepts, message) => (value) => (accepts(value) ? [] : [{ message }])

const operation = '$.paths[*][get,post]'

export default {
  rules: {
    'names-only': {
      description: 'Caveats are shown by name: no schema may let a bound value through.',
      severity: 'error',
      given: ['$..properties.caveat_context', `$..[?(@ && @['${MARK}'] !== undefined)]`],
      then: { function: namesOnly },
    },
    'caveats-in-decisions': {
      description: 'The rule above has something to look at.',
      severity: 'error',
      given: '$.components.schemas.AuditEntry.properties.decision.properties',
      then: { function: test((value) => 'caveat_context' in value, 'expected caveat_context') },
    },
    'snake-case': {
      description: 'All names are snake_case.',
      severity: 'error',
      given: ['$..properties[*]~', '$..parameters[*].name'],
      then: { function: test((name) => SNAKE_CASE.test(name), 'expected snake_case') },
    },
    'no-null': {
      description: 'What is not there is absent, never null.',
      severity: 'error',
      given: '$..type',
      then: {
        function: test(
          (type) => type !== 'null' && !(Array.isArray(type) && type.includes('null')),
          'expected no null',
        ),
      },
    },
    'operation-id': {
      description: 'Generated clients name their methods by it.',
      severity: 'error',
      given: operation,
      then: {
        function: test(
          (value) => /^[A-Z][A-Za-z]+$/.test(value.operationId ?? ''),
          'expected an operationId',
        ),
      },
    },
    'problem-json': {
      description: 'An error is application/problem+json and nothing else (RFC 9457).',
      severity: 'error',
      given: `${operation}.responses[?(@property >= '400')].content`,
      then: {
        function: test(
          (content) => Object.keys(content).join() === 'application/problem+json',
          'expected application/problem+json alone',
        ),
      },
    },
    authenticated: {
      description: 'Every operation on a chain wants a credential.',
      severity: 'error',
      given: '$.paths[?(@property.match(/^\\/v1\\//))][get,post]',
      then: {
        function: test(
          (value) => value.security?.length === 1 && value.responses['401'] !== undefined,
          'expected security and a 401',
        ),
      },
    },
  },
}
