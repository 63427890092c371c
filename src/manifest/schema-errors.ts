/**
 * The only place that knows how the standalone validator reports: its errors become diagnostics with the place of the
 * key or value that broke the rule. The schema is written without `oneOf`, so one mistake gives one error.
 */
import type { Place } from '../model/diagnostic.ts'
import { SHAPES } from './keys.generated.ts'
import { locate, type Entry, type Node, type ScalarNode } from './node.ts'
import { anyOf, quoted, type Report } from './report.ts'
import { broken } from './schema-words.ts'
import { nearest, whereKeyBelongs } from './suggest.ts'
import { validate, type SchemaError } from './validate.generated.js'

export function checkSchema(
  root: Node,
  value: unknown,
  report: Report,
  only: (place: Place) => boolean = () => true,
  accepts: typeof validate = validate,
): void {
  if (accepts(value)) return
  const errors = accepts.errors ?? []
  const mistyped = new Set(
    errors.filter(({ keyword }) => keyword === 'type').map((error) => error.instancePath),
  )
  let nameRule = 'name'
  for (const error of errors) {
    if (report.full) return
    const found = locate(root, error.instancePath)
    if (found.node.kind === 'scalar' && found.node.broken) continue
    // A rule for the keys of a map reports as if it were one for the map; which key it was is said afterwards.
    if (error.keyword === 'pattern' && found.node.kind === 'map') nameRule = shapeOf(error.schemaPath)
    else if (error.keyword === 'type' || !mistyped.has(error.instancePath)) {
      const said = explained(error, found.node, found.key, nameRule)
      if (said && only(said.place)) report.error(said.code, said.place, said.message, said.hint)
    }
  }
}

interface Said {
  readonly code: string
  readonly place: Place
  readonly message: string
  readonly hint?: string | undefined
}

function explained(
  error: SchemaError,
  node: Node,
  key: Entry | undefined,
  nameRule: string,
): Said | undefined {
  const shape = shapeOf(error.schemaPath)
  switch (error.keyword) {
    case 'additionalProperties':
      return unknownKey(String(error.params['additionalProperty']), shape, error.instancePath, node)
    case 'required':
      return missingKey(String(error.params['missingProperty']), shape, node, key)
    case 'type':
      return wrongType(error.params['type'], node, key, shape)
    case 'enum':
    case 'const':
      if (shape === 'envValue') return missingKey('placeholder', shape, node, key)
      return notOneOf(
        (error.params['allowedValues'] ?? [error.params['allowedValue']]) as readonly unknown[],
        node,
      )
    case 'false schema':
      return {
        code: 'key-not-with',
        place: key?.place ?? node.place,
        message: `${quoted(key?.key ?? '')} does not go with this scheme`,
        hint: 'docs/manifest.md lists the keys of each scheme',
      }
    case 'pattern':
      return {
        place: node.place,
        ...broken(shape, node.kind === 'scalar' ? String(node.value) : '', key?.key),
      }
    case 'propertyNames': {
      const name = String(error.params['propertyName'])
      const place = (node.kind === 'map' && node.entries.get(name)?.place) || node.place
      return { place, ...broken(nameRule, name, key?.key) }
    }
    case 'minimum':
    case 'maximum': {
      const [limit, bound] = [error.params['limit'], error.keyword === 'minimum' ? 'least' : 'most']
      return {
        code: 'out-of-range',
        place: node.place,
        message: `${named(key)} is at ${bound} ${String(limit)}`,
      }
    }
    case 'minItems':
    case 'minProperties':
      return shape === 'textMatch' ||
        shape === 'pathMatch' ||
        shape === 'textOrMatch' ||
        shape === 'secretRef'
        ? exactlyOne(shape, node, key)
        : {
            code: 'empty',
            place: key?.place ?? node.place,
            message: `${named(key)} is empty`,
            hint:
              shape === 'match' && !key
                ? 'an entry that allows every request: leave `matches` out'
                : 'remove the key, or give it content',
          }
    case 'maxProperties':
      return exactlyOne(shape, node, key)
    case 'maxItems':
      return {
        code: 'too-many',
        place: key?.place ?? node.place,
        message: `${named(key)} has at most ${String(error.params['limit'])} entries`,
      }
    case 'multipleOf':
      return { code: 'out-of-range', place: node.place, message: `${named(key)} is a whole number` }
    default:
      // `if` only says that one of the others was said.
      return undefined
  }
}

function unknownKey(key: string, shape: string, pointer: string, node: Node): Said {
  const place = (node.kind === 'map' && node.entries.get(key)?.place) || node.place
  const keys = SHAPES[shape]?.keys ?? []
  const path = readablePath(pointer)
  const full = path === '' ? key : `${path}.${key}`
  if (shape === 'agent' && NOT_ON_AGENT.has(key)) {
    return {
      code: 'not-on-agent',
      place,
      message: `${quoted(key)} is a matter of the bottle, not of the agent: it carries credentials and trust`,
      hint: 'move it to the definition under `bottles`',
    }
  }
  if (shape === 'agentGit' && key === 'remotes') {
    return {
      code: 'not-on-agent',
      place,
      message: '`git.remotes` is a matter of the bottle, not of the agent: it carries credentials and trust',
      hint: 'move it to the definition under `bottles`',
    }
  }
  if (shape === 'bottle' && NOT_ON_BOTTLE.has(key)) {
    return {
      code: 'unknown-key',
      place,
      message: `${quoted(key)} is a matter of the agent, not of the bottle`,
      hint: `agents: { NAME: { bottle: ${path}, ${key}: … } }`,
    }
  }
  const meant = nearest(key, keys)
  if (meant !== undefined)
    return {
      code: 'unknown-key',
      place,
      message: `${quoted(full)} is not a key here; did you mean ${quoted(meant)}?`,
    }
  const elsewhere = whereKeyBelongs(key, shape)
  const hint =
    elsewhere.length > 0
      ? `${quoted(key)} is a key of ${anyOf(elsewhere.slice(0, 3).map((at) => (at === '' ? 'the top of the file' : `\`${at}\``)))}`
      : keys.length > 0
        ? `known here: ${keys.join(', ')}`
        : undefined
  return { code: 'unknown-key', place, message: `${quoted(full)} is not a key here`, hint }
}

const NOT_ON_AGENT = new Set([
  'egress',
  'agent_provider',
  'image',
  'base_image',
  'driver',
  'workspace',
  'supervise',
  'resources',
  'protect',
])

const NOT_ON_BOTTLE = new Set(['prompt', 'skills', 'headless'])

function missingKey(missing: string, shape: string, node: Node, key: Entry | undefined): Said | undefined {
  // The version has a word of its own (union.ts).
  if (shape === '#') return undefined
  const place = key?.place ?? node.place
  if (shape === 'envValue' && missing === 'placeholder') {
    return {
      code: 'missing-key',
      place,
      message: `a reference to a secret needs \`placeholder: true\`: the value itself never enters a bottle`,
      hint: 'a route with `auth` carries the value; what is no secret is copied with ${NAME}',
    }
  }
  const example =
    shape === 'auth' && missing === 'i_know'
      ? 'a credential in a URL ends up in logs of the upstream; `i_know: true` says that this is accepted'
      : undefined
  return { code: 'missing-key', place, message: `${named(key)} needs ${quoted(missing)}`, hint: example }
}

function wrongType(expected: unknown, node: Node, key: Entry | undefined, shape: string): Said {
  const types = (Array.isArray(expected) ? expected : [expected]).map(String)
  const wanted = anyOf(types.map((type) => TYPES[type] ?? type))
  return {
    code: 'wrong-type',
    place: node.kind === 'scalar' && node.source === '' && key ? key.place : node.place,
    message: `${named(key)} is ${wanted}, not ${found(node)}`,
    hint: HINTS[shape]?.(node) ?? commandHint(types, node, key) ?? typeHint(types, node),
  }
}

/** Where the kind of word says more than its type. */
const HINTS: Readonly<Record<string, (node: Node) => string | undefined>> = {
  agentEnv: (node) =>
    node.kind === 'map' ? 'an agent sets literals only; a reference is a matter of the bottle' : undefined,
  rate: () => 'for example 10/s, 100/m',
  workspace: (node) => (isText(node) ? `workspace: { source: ${node.source} }` : undefined),
  headless: (node) => (isText(node) ? `headless: { prompt: ${node.source} }` : undefined),
  duration: () => 'for example 30s, 10m, 24h',
  sizePerDay: () => 'for example 50MiB/day',
}

function typeHint(types: readonly string[], node: Node): string | undefined {
  if (node.kind !== 'scalar') return undefined
  if (node.value === null) return 'remove the key, or give it a value'
  if (types.includes('string') && typeof node.value !== 'string')
    return `write it in quotes: "${node.source}"`
  if (types.includes('boolean') && typeof node.value === 'string') {
    const word = node.value.toLowerCase()
    if (['yes', 'on', 'y', 'true'].includes(word)) return 'YAML 1.2 knows only true and false: write true'
    if (['no', 'off', 'n', 'false'].includes(word)) return 'YAML 1.2 knows only true and false: write false'
  }
  if (
    (types.includes('integer') || types.includes('number')) &&
    typeof node.value === 'string' &&
    /^[0-9.]+$/.test(node.value)
  )
    return 'write it without quotes'
  if (types.includes('array')) return `one entry is a list too: [${node.source}]`
  return undefined
}

/** No shell takes a command apart. */
function commandHint(types: readonly string[], node: Node, key: Entry | undefined): string | undefined {
  const isLine = key?.key === 'command' && types.includes('array') && isText(node) && /\s/.test(node.source)
  return isLine ? 'each word is an entry: [PROGRAM, ARG, …]' : undefined
}

function isText(node: Node): node is ScalarNode {
  return node.kind === 'scalar' && typeof node.value === 'string'
}

function notOneOf(allowed: readonly unknown[], node: Node): Said {
  const words = allowed.map(String)
  const value = node.kind === 'scalar' ? String(node.value) : found(node)
  const meant = nearest(value, words)
  const boolean = node.kind === 'scalar' && typeof node.value === 'boolean'
  const hint = boolean && words.includes('off') ? 'write "off"' : undefined
  return {
    code: 'not-one-of',
    place: node.place,
    message: `${quoted(value)} is not ${anyOf(words.map(quoted))}${meant !== undefined && words.length > 1 ? `; did you mean ${quoted(meant)}?` : ''}`,
    hint,
  }
}

function exactlyOne(shape: string, node: Node, key: Entry | undefined): Said {
  const keys = SHAPES[shape]?.keys ?? []
  return {
    code: 'exactly-one',
    place: key?.place ?? node.place,
    message: `${named(key)} needs exactly one of ${anyOf(keys.map(quoted))}`,
  }
}

const TYPES: Readonly<Record<string, string>> = {
  string: 'a text',
  object: 'a map',
  array: 'a list',
  boolean: 'true or false',
  integer: 'a whole number',
  number: 'a number',
}

function found(node: Node): string {
  if (node.kind === 'map') return 'a map'
  if (node.kind === 'list') return 'a list'
  if (node.value === null) return 'empty'
  if (typeof node.value === 'string') return `the text ${quoted(node.value)}`
  return typeof node.value === 'boolean'
    ? `the truth value ${quoted(node.source)}`
    : `the number ${quoted(node.source)}`
}

function named(key: Entry | undefined): string {
  return key ? quoted(key.key) : 'this entry'
}

/** Last definition named in the path of a rule: `#/$defs/route/properties/port/minimum` → `route`. */
function shapeOf(schemaPath: string): string {
  const steps = schemaPath.split('/')
  const definition = steps.lastIndexOf('$defs')
  return definition === -1 ? '#' : (steps[definition + 1] ?? '#')
}

function readablePath(pointer: string): string {
  const steps = pointer.split('/').slice(1)
  // The nearest two are enough to recognise the place; the line says the rest.
  return steps
    .filter((step) => !/^\d+$/.test(step))
    .slice(-1)
    .join('.')
    .replaceAll('~1', '/')
    .replaceAll('~0', '~')
}
