/**
 * From text to the tree of nodes. Everything YAML offers beyond maps, lists and scalars has a defined answer: aliases
 * are followed within limits, merge keys, tags, complex keys and further documents are errors. Nothing here recurses
 * deeper than `DEPTH_MAX` or makes more than `NODES_MAX` nodes, whatever the text.
 */
import {
  Composer,
  Lexer,
  Parser,
  isAlias,
  isMap,
  isScalar,
  isSeq,
  type CST,
  type Document,
  type Node as YamlNode,
} from 'yaml'
import type { Place } from '../model/diagnostic.ts'
import { brokenAt, made, RESERVED_KEYS, type Entry, type Item, type MapNode, type Node } from './node.ts'
import { quoted, type Report } from './report.ts'
import type { SourceText } from './source.ts'
import { reportSyntax } from './yaml-errors.ts'

export const DEPTH_MAX = 64
/** Nodes of one file after aliases are followed. */
export const NODES_MAX = 250_000

/** The top map of a file; `undefined` when there is none to work with (said in the report). */
export function readYaml(source: SourceText, report: Report): MapNode | undefined {
  const before = report.errors
  const top = readValue(source, report)
  if (top?.kind === 'map') return top
  if (top && !(top.kind === 'scalar' && top.value === null)) {
    report.error('wrong-type', top.place, 'a manifest is a map with the keys `version`, `stack`, `bottles` …')
  } else if (report.errors === before) {
    report.error(
      'empty-file',
      source.place(0),
      'the file has no content',
      'a manifest begins with `version: 1`; `bot-bottle init` writes a first one',
    )
  }
  return undefined
}

/** Any one value; `undefined` when there is none or it cannot be read (said in the report). */
export function readValue(source: SourceText, report: Report): Node | undefined {
  const contents = composed(source, report)?.contents
  if (!contents) return undefined
  const converter = new Converter(source, report)
  const node = converter.node(contents as YamlNode, 1)
  // Too deep or too large: what is left is not what was meant.
  return converter.exhausted ? undefined : node
}

class TooDeep {
  readonly offset: number
  constructor(offset: number) {
    this.offset = offset
  }
}

/** The tokens of a text; throws at the first bracket or dash beyond the limit, before anything recurses into it. */
function* tokensOf(text: string): Generator<CST.Token> {
  const parser = new Parser()
  let offset = 0
  let flow = 0
  let block = 0
  let previous = ''
  for (const lexeme of new Lexer().lex(text)) {
    if (previous !== '\u001f') {
      if (lexeme === '[' || lexeme === '{') flow += 1
      else if (lexeme === ']' || lexeme === '}') flow = Math.max(0, flow - 1)
      else if (lexeme === '-' || lexeme === '?') block += 1
      else if (lexeme.startsWith('\n') || lexeme.startsWith('\r')) block = 0
      if (flow > DEPTH_MAX || block > DEPTH_MAX) throw new TooDeep(offset)
    }
    // Three lexemes are marks of the lexer, not text.
    if (lexeme !== '\u0002' && lexeme !== '\u0018' && lexeme !== '\u001f') offset += lexeme.length
    previous = lexeme
    yield* parser.next(lexeme)
  }
  yield* parser.end()
}

function composed(source: SourceText, report: Report): Document.Parsed | undefined {
  // Keys are compared by the converter: the package compares each with each.
  const composer = new Composer({ uniqueKeys: false, prettyErrors: false, logLevel: 'silent', merge: false })
  // Thousands of errors of a hostile text shall not cost thousands of stack traces.
  const limit = Error.stackTraceLimit
  Error.stackTraceLimit = 0
  try {
    const [first, second] = composer.compose(tokensOf(source.text), true, source.text.length).take(2)
    if (first && first.errors.length > 0) {
      reportSyntax(first.errors, source, report)
      return undefined
    }
    if (first?.directives.yaml.explicit === true && first.directives.yaml.version !== '1.2') {
      report.error('yaml-version', source.place(0), 'a manifest is YAML 1.2', 'remove the %YAML line')
      return undefined
    }
    if (second) {
      report.error(
        'second-document',
        source.place(second.range[0]),
        'a manifest file holds one YAML document',
        'put the second one into a file of its own and name both with -f',
      )
      return undefined
    }
    return first
  } catch (thrown) {
    if (!(thrown instanceof TooDeep)) throw thrown
    report.error('too-deep', source.place(thrown.offset), `nested deeper than ${DEPTH_MAX} levels`)
    return undefined
  } finally {
    Error.stackTraceLimit = limit
  }
}

interface Measured {
  readonly node: Node
  readonly nodes: number
  readonly height: number
}

class Converter {
  readonly #source: SourceText
  readonly #report: Report
  readonly #anchors = new Map<string, Measured>()
  /** Anchors of the values around the present one. */
  readonly #open = new Set<string>()
  #nodes = 0
  #height = 0
  exhausted = false

  constructor(source: SourceText, report: Report) {
    this.#source = source
    this.#report = report
  }

  node(yaml: YamlNode, depth: number): Node {
    const before = this.#nodes
    const outerHeight = this.#height
    this.#height = 0
    const anchor = isAlias(yaml) ? undefined : yaml.anchor
    if (anchor !== undefined) this.#open.add(anchor)
    const node = this.#convert(yaml, depth)
    if (anchor !== undefined) this.#open.delete(anchor)
    const height = this.#height + 1
    this.#height = Math.max(outerHeight, height)
    if (anchor !== undefined) this.#anchors.set(anchor, { node, nodes: this.#nodes - before, height })
    return node
  }

  #convert(yaml: YamlNode, depth: number): Node {
    const place = this.#place(yaml)
    this.#nodes += 1
    if (this.#report.full) this.exhausted = true
    if (this.exhausted) return brokenAt(place)
    if (depth > DEPTH_MAX) return this.#stop('too-deep', place, `nested deeper than ${DEPTH_MAX} levels`)
    if (isAlias(yaml)) return this.#alias(yaml.source, place, depth)
    if (yaml.tag !== undefined) {
      this.#report.error(
        'yaml-tag',
        place,
        `the tag ${quoted(yaml.tag.replace('tag:yaml.org,2002:', '!!'))} has no meaning here`,
        'remove it; quote a value that must be a text',
      )
    }
    if (isMap(yaml))
      return this.#map(yaml.items as readonly { key: YamlNode; value: YamlNode | null }[], place, depth)
    if (isSeq(yaml)) {
      const items: Item[] = yaml.items.map((item) => ({ value: this.node(item as YamlNode, depth + 1) }))
      return { kind: 'list', place, items }
    }
    const value = isScalar(yaml) ? yaml.value : null
    const source = this.#textOf(yaml)
    if (typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean')
      return { kind: 'scalar', place, value, source }
    return { kind: 'scalar', place, value: null, source }
  }

  #map(pairs: readonly { key: YamlNode; value: YamlNode | null }[], place: Place, depth: number): MapNode {
    const entries = new Map<string, Entry>()
    for (const pair of pairs) {
      const key = this.#key(pair.key, place)
      if (!key) continue
      const value = pair.value ? this.node(pair.value, depth + 1) : made(null, key.place)
      const first = entries.get(key.text)
      if (first) {
        this.#report.error(
          'duplicate-key',
          key.place,
          `${quoted(key.text)} stands here twice; the first is in line ${first.place.line}`,
        )
      } else {
        entries.set(key.text, { key: key.text, place: key.place, value })
      }
    }
    return { kind: 'map', place, entries }
  }

  #key(yaml: YamlNode | null, map: Place): { readonly text: string; readonly place: Place } | undefined {
    if (!isScalar(yaml)) {
      const place = yaml ? this.#place(yaml) : map
      this.#report.error('complex-key', place, 'a key is a plain text')
      return undefined
    }
    const place = this.#place(yaml)
    const text = typeof yaml.value === 'string' ? yaml.value : (yaml.source ?? '')
    if (text === '<<') {
      this.#report.error(
        'merge-key',
        place,
        'the merge key `<<` is not part of this language',
        'bottles take over from each other with `extends: NAME`',
      )
    } else if (RESERVED_KEYS.has(text)) {
      this.#report.error('reserved-key', place, `${quoted(text)} cannot be a key`)
    } else if (text === '') {
      this.#report.error('complex-key', place, 'a key is missing before the colon')
    } else {
      if (yaml.tag !== undefined) this.#report.error('yaml-tag', place, 'a key carries no tag', 'remove it')
      if (yaml.anchor !== undefined)
        this.#anchors.set(yaml.anchor, { node: made(text, place), nodes: 1, height: 1 })
      return { text, place }
    }
    return undefined
  }

  #alias(name: string, place: Place, depth: number): Node {
    const target = this.#anchors.get(name)
    if (!target) {
      const known = [...this.#anchors.keys()]
      if (this.#open.has(name)) {
        this.#report.error('unknown-alias', place, `this alias stands inside what it repeats`)
      } else if (/^[A-Za-z0-9_-]+$/.test(name) && known.length > 0) {
        this.#report.error(
          'unknown-alias',
          place,
          `no anchor ${quoted(`&${name}`)} stands before this alias`,
          `known: ${known.slice(0, 5).map(quoted).join(', ')}; a text that begins with \`*\` needs quotes`,
        )
      } else {
        this.#report.error(
          'unquoted-star',
          place,
          `a text that begins with \`*\` needs quotes: ${quoted(`"*${name}"`)}`,
        )
      }
      return brokenAt(place)
    }
    this.#nodes += target.nodes
    this.#height = Math.max(this.#height, target.height)
    if (this.#nodes > NODES_MAX)
      return this.#stop('too-large', place, `aliases make this manifest larger than ${NODES_MAX} values`)
    if (depth + target.height > DEPTH_MAX)
      return this.#stop('too-deep', place, `nested deeper than ${DEPTH_MAX} levels`)
    return target.node
  }

  /** Said once; what lies below is left out. */
  #stop(code: string, place: Place, message: string): Node {
    if (!this.exhausted) this.#report.error(code, place, message)
    this.exhausted = true
    return brokenAt(place)
  }

  #place(yaml: YamlNode): Place {
    const [start, end] = yaml.range ?? [0, 0]
    return this.#source.place(start, isScalar(yaml) || isAlias(yaml) ? end - start : 1)
  }

  #textOf(yaml: YamlNode): string {
    const [start, end] = yaml.range ?? [0, 0]
    return this.#source.text.slice(start, end)
  }
}
