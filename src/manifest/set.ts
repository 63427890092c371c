/**
 * `--set PATH=VALUE`: one value laid over the union of all files. PATH is keys joined by dots, `[0]` for an entry of
 * a list, quotes around a key with dots; VALUE is YAML. Maps on the way are made, lists are replaced whole.
 */
import type { Place } from '../model/diagnostic.ts'
import { made, mapOf, type Entry, type MapNode, type Node } from './node.ts'
import { quoted, Report } from './report.ts'
import { sourceText } from './source.ts'
import { readValue } from './yaml.ts'

/** File of the places of what `--set` says; the n-th `--set` is line n. */
export const SET_FILE = '--set'

export function applySet(root: MapNode, assignment: string, index: number, report: Report): MapNode {
  const line = { file: SET_FILE, line: index + 1, column: 1 }
  const equals = assignmentAt(assignment)
  if (equals < 1 || /[\r\n]/.test(assignment)) {
    report.error(
      'bad-set',
      line,
      `${quoted(assignment)} is not PATH=VALUE on one line`,
      'for example --set bottles.dev.resources.cpus=4',
    )
    return root
  }
  const path = pathOf(assignment.slice(0, equals))
  if (!path) {
    report.error(
      'bad-set',
      line,
      `${quoted(assignment.slice(0, equals))} is not a path`,
      'keys joined by dots, [0] for an entry of a list, quotes around a key with dots',
    )
    return root
  }
  const value = valueOf(assignment.slice(equals + 1), index, equals + 1, report)
  return value ? setAt(root, path, value, line, '--set', report) : root
}

/** The tree with `value` at `path`. */
export function setAt(
  root: MapNode,
  path: readonly (string | number)[],
  value: Node,
  place: Place,
  via: string,
  report: Report,
): MapNode {
  const wrong = (at: number, what: string): undefined => {
    report.error('bad-set', place, `${quoted(written(path.slice(0, at)))} ${what}`)
  }
  const inside = (node: Node | undefined, depth: number): Node | undefined => {
    const step = path[depth]
    if (step === undefined) return value
    if (typeof step === 'number') {
      if (node?.kind !== 'list' || node.items.length <= step) return wrong(depth, `has no entry ${step}`)
      const changed = inside(node.items[step]?.value, depth + 1)
      return (
        changed && {
          ...node,
          items: node.items.map((item, at) => (at === step ? { ...item, value: changed } : item)),
        }
      )
    }
    if (node !== undefined && node.kind !== 'map') return wrong(depth, 'is not a map')
    const map = node ?? mapOf(place)
    const old = map.entries.get(step)
    const changed = inside(old?.value, depth + 1)
    if (!changed) return undefined
    const replaced: Entry =
      depth === path.length - 1 || !old
        ? { key: step, place, value: changed, via: [via] }
        : { ...old, value: changed }
    return { ...map, entries: new Map([...map.entries, [step, replaced]]) }
  }
  const changed = inside(root, 0)
  return changed?.kind === 'map' ? changed : root
}

function valueOf(text: string, index: number, column: number, report: Report): Node | undefined {
  // Blanks in front, so that places count as in the assignment itself.
  const source = sourceText(SET_FILE, '\n'.repeat(index) + ' '.repeat(column) + text)
  const inner = new Report()
  const value = readValue(source, inner)
  for (const { code, place, message, hint } of inner.diagnostics) report.error(code, place, message, hint)
  if (inner.errors > 0) return undefined
  return value ?? made(null, source.place(source.text.length))
}

/** The first `=` outside quotes. */
function assignmentAt(assignment: string): number {
  const [path] = /^(?:"[^"]*"|[^"=])*/.exec(assignment) ?? ['']
  return assignment[path.length] === '=' ? path.length : -1
}

function pathOf(text: string): readonly (string | number)[] | undefined {
  const steps: (string | number)[] = []
  const step = /(?:^|\.)(?:"([^"]+)"|([^".[\]]+))|\[([0-9]{1,6})\]/y
  while (step.lastIndex < text.length) {
    const found = step.exec(text)
    if (!found) return undefined
    const [, inQuotes, key, index] = found
    steps.push(index === undefined ? (inQuotes ?? key ?? '') : Number(index))
  }
  return steps.length > 0 && steps.length <= 32 && !steps.includes('__proto__') ? steps : undefined
}

function written(path: readonly (string | number)[]): string {
  return path
    .map((step, at) => (typeof step === 'number' ? `[${step}]` : at === 0 ? step : `.${step}`))
    .join('')
}
