/** Suggested routes as YAML that can be pasted, with how often and when; what is not suggested as comments below. */
import { stringify } from 'yaml'
import type { Json } from '../model/json.ts'
import { safeText } from '../model/text.ts'
import { count } from './words.ts'

interface Counted {
  readonly times: number
  readonly first: string
  readonly last: string
  readonly rules: readonly string[]
}

export interface Suggested {
  readonly bottle: string
  readonly refusals: number
  readonly settled: number
  readonly routes: readonly (Counted & {
    readonly route: { readonly [key: string]: Json }
    readonly instead?: string
    readonly before?: string
    readonly unseen: boolean
  })[]
  readonly denied: readonly (Counted & { readonly request: string })[]
  readonly other: readonly (Counted & { readonly request: string })[]
  readonly never: readonly (Counted & { readonly request: string })[]
}

export function suggestionLines(suggested: Suggested): string[] {
  const { bottle, refusals, settled, routes } = suggested
  const said = `${safeText(bottle)}: ${count(refusals, 'refusal')}`
  return [
    `# ${said}${settled === 0 ? '' : `, ${settled} of which this manifest no longer makes`}`,
    ...(routes.length === 0
      ? ['# nothing to suggest']
      : [
          '# Read it before you paste it: the agent chose what it asked for.',
          'egress:',
          '  routes:',
          ...routes.flatMap(routeLines),
        ]),
    ...listLines('refused by a deny entry of the manifest', suggested.denied),
    ...listLines('a matter of other keys (limits, auth, findings)', suggested.other),
    ...listLines('cannot be allowed', suggested.never),
  ]
}

function routeLines(suggested: Suggested['routes'][number]): string[] {
  const comments = [
    timesOf(suggested),
    ...(suggested.instead === undefined ? [] : [`stands instead of ${safeText(suggested.instead)}`]),
    ...(suggested.before === undefined
      ? []
      : [`stands before ${safeText(suggested.before)} and takes its entries along`]),
    ...(suggested.unseen
      ? ['the tunnel was refused before a request was seen: this allows reading; narrow or widen it']
      : []),
  ]
  const lines = stringify([suggested.route], { lineWidth: 0 }).trimEnd().split('\n')
  return [...comments.map((comment) => `    # ${comment}`), ...lines.map((line) => `    ${line}`)]
}

function listLines(title: string, list: Suggested['never']): string[] {
  if (list.length === 0) return []
  return ['', `# ${title}:`, ...list.map((one) => `#   ${safeText(one.request, 300)}  ${timesOf(one)}`)]
}

function timesOf({ times, last, rules }: Counted): string {
  const often = times === 1 ? 'once' : `${times} times`
  return safeText(`${often}, last ${last} (${rules.join(', ')})`, 300)
}
