/**
 * From the union of all files to live bottles: `extends` folded, defaults laid below, agents laid above. Reports what
 * names what is not there; a bottle that cannot be resolved is left out and the rest goes on.
 */
import type { Place } from '../model/diagnostic.ts'
import { isName, STACK_AND_BOTTLE_MAX } from '../model/names.ts'
import type { DriverName } from '../model/resource.ts'
import { marked, merge } from './merge.ts'
import { at, entriesOf, entry, itemsOf, scalar, text, texts, type Entry, type MapNode } from './node.ts'
import { anyOf, quoted, type Report } from './report.ts'
import { nearest } from './suggest.ts'

/** One bottle that runs. */
export interface LiveBottle {
  /** The agent's name, or the definition's where the manifest has no `agents`. */
  readonly name: string
  /** Names of its definitions joined with `+`, as in `image/dev+gpu`. */
  readonly definition: string
  /** Everything that holds for it: keys of a bottle, and `prompt`, `skills`, `headless` of its agent. */
  readonly tree: MapNode
  /** Of its name. */
  readonly place: Place
  readonly driver: DriverName
}

export interface ResolvedManifest {
  readonly stack: string
  /** All files and `--set` together, nothing folded. */
  readonly root: MapNode
  /** In the order of the manifest. */
  readonly live: readonly LiveBottle[]
  /** Every definition, folded, with defaults. */
  readonly definitions: ReadonlyMap<string, MapNode>
}

export function resolve(root: MapNode, report: Report): ResolvedManifest {
  const stack = text(at(root, 'stack'))
  if (entry(root, 'stack') === undefined)
    report.error(
      'missing-stack',
      root.place,
      'the manifest needs `stack`: the name that marks what it creates',
      'write `stack: NAME` below `version`',
    )
  const folded = foldAll(root, report)
  const defaults = at(root, 'defaults')
  const completed = (tree: MapNode): MapNode =>
    defaults?.kind === 'map' ? merge(defaults, tree, 'defaults') : tree
  const agents = entry(root, 'agents')
  const live = agents
    ? entriesOf(agents.value).flatMap((agent) => liveAgent(agent, root, folded, completed, report))
    : liveDefinitions(root, folded, completed)
  if (agents) reportUnused(root, live, report)
  for (const { name, place } of live) {
    if (
      stack !== undefined &&
      isName(name) &&
      isName(stack) &&
      stack.length + name.length > STACK_AND_BOTTLE_MAX
    ) {
      report.error(
        'name-too-long',
        place,
        `stack and bottle together have at most ${STACK_AND_BOTTLE_MAX} characters; ${quoted(stack)} and ${quoted(name)} have ${stack.length + name.length}`,
      )
    }
  }
  return {
    stack: stack ?? '',
    root,
    live,
    definitions: new Map([...folded].map(([name, tree]) => [name, completed(tree)])),
  }
}

/** Longest chain of `extends`. */
const CHAIN_MAX = 32
/** Routes of all definitions together, after `extends`. */
const ROUTES_MAX = 100_000

function foldAll(root: MapNode, report: Report): ReadonlyMap<string, MapNode> {
  const written = new Map(entriesOf(at(root, 'bottles')).map((definition) => [definition.key, definition]))
  const done = new Map<string, MapNode | undefined>()
  const heights = new Map<string, number>()
  const tooLong = `a chain of more than ${CHAIN_MAX} \`extends\``
  let routes = 0
  const parentOf = (
    name: string,
    parent: string,
    place: Place,
    path: readonly string[],
  ): MapNode | undefined => {
    if (parent === name) report.error('extends-itself', place, `${quoted(name)} extends itself`)
    else if (path.includes(parent))
      report.error(
        'extends-cycle',
        place,
        `${[...path.slice(path.indexOf(parent)), parent].map(quoted).join(' extends ')}: a circle`,
      )
    else if (!written.has(parent))
      report.error(
        'unknown-bottle',
        place,
        `${quoted(name)} extends ${quoted(parent)}, which is not under \`bottles\``,
        meant(parent, written.keys()),
      )
    else if (path.length > CHAIN_MAX) report.error('extends-too-deep', place, tooLong)
    else return fold(parent, path)
    return undefined
  }
  const fold = (name: string, open: readonly string[]): MapNode | undefined => {
    if (done.has(name)) return done.get(name)
    const own = written.get(name)?.value
    if (own?.kind !== 'map' || routes > ROUTES_MAX) return undefined
    const names = texts(at(own, 'extends'))
    const parents = names.flatMap(({ value: parent, place }) => {
      const tree = parentOf(name, parent, place, [...open, name])
      return tree ? [marked(tree, `extends ${parent}`)] : []
    })
    const height = 1 + Math.max(0, ...names.map(({ value: parent }) => heights.get(parent) ?? 0))
    heights.set(name, height)
    // The same answer whichever definition is folded first.
    if (height === CHAIN_MAX + 1) report.error('extends-too-deep', names[0]?.place ?? own.place, tooLong)
    const [first, ...rest] = parents
    const tree =
      parents.length < names.length
        ? undefined
        : first
          ? merge(
              rest.reduce((below, above) => merge(below, above), first),
              own,
            )
          : own
    routes += itemsOf(at(tree, 'egress', 'routes')).length
    if (routes > ROUTES_MAX)
      report.error('too-large', own.place, `the definitions have more than ${ROUTES_MAX} routes together`)
    done.set(name, tree)
    return tree
  }
  const trees = new Map<string, MapNode>()
  for (const name of written.keys()) {
    const tree = fold(name, [])
    if (tree) trees.set(name, tree)
  }
  return trees
}

function liveDefinitions(
  root: MapNode,
  folded: ReadonlyMap<string, MapNode>,
  completed: (tree: MapNode) => MapNode,
): readonly LiveBottle[] {
  return entriesOf(at(root, 'bottles')).flatMap(({ key: name, place }) => {
    const tree = folded.get(name)
    if (!tree || scalar(at(tree, 'template')) === true) return []
    const whole = completed(tree)
    return [{ name, definition: name, tree: whole, place, driver: driverOf(whole) }]
  })
}

function liveAgent(
  agent: Entry,
  root: MapNode,
  folded: ReadonlyMap<string, MapNode>,
  completed: (tree: MapNode) => MapNode,
  report: Report,
): readonly LiveBottle[] {
  const names = texts(at(agent.value, 'bottle'))
  const written = at(root, 'bottles')
  const trees = names.flatMap(({ value: name, place }) => {
    const tree = folded.get(name)
    if (!tree && !entry(written, name)) {
      const known = entriesOf(written).map(({ key }) => key)
      report.error(
        'unknown-bottle',
        place,
        `agent ${quoted(agent.key)} works in ${quoted(name)}, which is not under \`bottles\``,
        meant(name, known),
      )
    }
    return tree ? [marked(tree, `bottle ${name}`)] : []
  })
  const [first, ...rest] = trees
  const [only] = names
  if (!first || !only || trees.length < names.length || agent.value.kind !== 'map') return []
  if (names.length === 1 && scalar(at(written, only.value, 'template')) === true) {
    report.error(
      'template-runs',
      only.place,
      `agent ${quoted(agent.key)} works in ${quoted(only.value)}, which is a template`,
      'a template is only for `extends` and for lists of bottles; make a bottle that extends it',
    )
    return []
  }
  const bottle = completed(rest.reduce((below, above) => merge(below, above), first))
  const own = [...agent.value.entries].filter(([key]) => key !== 'bottle')
  const tree = merge(bottle, { ...agent.value, entries: new Map(own) })
  return [
    {
      name: agent.key,
      definition: names.map(({ value }) => value).join('+'),
      tree,
      place: agent.place,
      driver: driverOf(tree),
    },
  ]
}

function reportUnused(root: MapNode, live: readonly LiveBottle[], report: Report): void {
  const used = new Set(live.flatMap(({ definition }) => definition.split('+')))
  for (const { key: name, value } of entriesOf(at(root, 'bottles')))
    for (const parent of texts(at(value, 'extends'))) if (parent.value !== name) used.add(parent.value)
  for (const agent of entriesOf(at(root, 'agents')))
    for (const { value } of texts(at(agent.value, 'bottle'))) used.add(value)
  for (const { key: name, value, place } of entriesOf(at(root, 'bottles'))) {
    if (!used.has(name) && scalar(at(value, 'template')) !== true)
      report.warning(
        'unused-bottle',
        place,
        `no agent works in ${quoted(name)}; nothing of it runs`,
        'say `template: true` if it is only for `extends`',
      )
  }
}

function driverOf(tree: MapNode): DriverName {
  const driver = text(at(tree, 'driver'))
  return driver === 'smolvm' || driver === 'memory' ? driver : 'docker'
}

function meant(name: string, names: Iterable<string>): string | undefined {
  const known = [...names]
  const near = nearest(name, known)
  if (near !== undefined) return `did you mean ${quoted(near)}?`
  return known.length > 0
    ? `there are ${anyOf(known.slice(0, 8).map(quoted)).replace(' or ', ' and ')}`
    : undefined
}
