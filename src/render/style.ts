/** How lines look here: colour, symbols and width. A value, so that every renderer stays a pure function. */
import { styleText } from 'node:util'
import type { Verb } from '../model/plan.ts'

export interface Style {
  readonly color: boolean
  /** `false`: `+/-`, `-/+`, `>` and plain ASCII signs. */
  readonly unicode: boolean
  /** Columns of the terminal; 0: no limit (a pipe or a file). */
  readonly width: number
}

export const PLAIN: Style = { color: false, unicode: true, width: 0 }

export interface StyleRequest {
  readonly env: Readonly<Record<string, string | undefined>>
  readonly terminal: boolean
  readonly columns?: number | undefined
  /** `--no-unicode` was given. */
  readonly ascii: boolean
}

/** NO_COLOR takes the colour, TERM=dumb colour and symbols, a pipe colour and the width limit. FORCE_COLOR brings colour back for a pipe. */
export function styleFor(request: StyleRequest): Style {
  const dumb = request.env['TERM'] === 'dumb'
  const refused = (request.env['NO_COLOR'] ?? '') !== ''
  const forced = !['', '0', 'false'].includes(request.env['FORCE_COLOR'] ?? '')
  return {
    color: !refused && !dumb && (request.terminal || forced),
    unicode: !request.ascii && !dumb,
    width: request.terminal ? (request.columns ?? 80) : 0,
  }
}

export type Tint = 'red' | 'green' | 'yellow' | 'blue' | 'cyan' | 'magenta' | 'dim' | 'bold'

export function tint(style: Style, format: Tint, text: string): string {
  return style.color && text !== '' ? styleText(format, text, { validateStream: false }) : text
}

const UNICODE = {
  arrow: '→',
  dot: '·',
  done: '✓',
  failed: '✗',
  skipped: '–',
  dash: '–',
  spinner: ['⠋', '⠙', '⠹', '⠸', '⠼', '⠴', '⠦', '⠧', '⠇', '⠏'],
} as const
const ASCII = {
  arrow: '->',
  dot: '-',
  done: 'ok',
  failed: 'x',
  skipped: '-',
  dash: '-',
  spinner: ['|', '/', '-', '\\'],
} as const

export function signs(style: Style): typeof UNICODE | typeof ASCII {
  return style.unicode ? UNICODE : ASCII
}

const VERBS: Readonly<
  Record<Verb, { readonly unicode: string; readonly ascii: string; readonly tint: Tint }>
> = {
  create: { unicode: '+', ascii: '+', tint: 'green' },
  update: { unicode: '~', ascii: '~', tint: 'yellow' },
  'create-then-remove': { unicode: '±', ascii: '+/-', tint: 'yellow' },
  'remove-then-create': { unicode: '∓', ascii: '-/+', tint: 'magenta' },
  remove: { unicode: '-', ascii: '-', tint: 'red' },
  adopt: { unicode: '→', ascii: '>', tint: 'cyan' },
  blocked: { unicode: '!', ascii: '!', tint: 'red' },
}

/** The symbol of a verb (architecture.md, Behaviour contract), without colour. */
export function symbolOf(verb: Verb, style: Style): string {
  return style.unicode ? VERBS[verb].unicode : VERBS[verb].ascii
}

export function tintOf(verb: Verb): Tint {
  return VERBS[verb].tint
}
