/** What egress would say to one request: allowed or refused, by which line, and what would allow it. */
import type { Place } from '../model/diagnostic.ts'
import { safeText } from '../model/text.ts'
import { tint } from './style.ts'
import type { Style } from './style.ts'
import { placeOf } from './words.ts'

export interface Decided {
  readonly bottle: string
  readonly allowed: boolean
  readonly rule?: string
  readonly message?: string
  readonly decidedBy?: {
    readonly address: string
    readonly entry?: string
    readonly place?: Place
    readonly asked?: Place
  }
  readonly credential?: { readonly scheme: string; readonly references: readonly string[] }
  readonly allow?: string
}

export function decisionLines(
  asked: { readonly method: string; readonly url: string },
  decisions: readonly Decided[],
  style: Style,
): string[] {
  return [
    tint(style, 'bold', safeText(`${asked.method} ${asked.url}`, 2000)),
    ...decisions.flatMap((decision) => ['', ...linesOf(decision, style)]),
  ]
}

function linesOf(decision: Decided, style: Style): string[] {
  const { allowed, rule, decidedBy, credential } = decision
  const word = allowed ? tint(style, 'green', 'allowed') : tint(style, 'red', 'refused')
  const line = (name: string, text: string): string => `  ${name.padEnd(10)}  ${safeText(text, 2000)}`
  const by =
    decidedBy &&
    [
      ...(decidedBy.asked ? [placeOf(decidedBy.asked)] : []),
      ...(decidedBy.place ? [placeOf(decidedBy.place)] : []),
      `${decidedBy.entry === undefined ? '' : `${decidedBy.entry} of `}${decidedBy.address}`,
    ].join('  ')
  return [
    `${safeText(decision.bottle)}: ${word}`,
    ...(by === undefined ? [] : [line('decided by', by)]),
    ...(allowed && rule === 'passthrough'
      ? [line('inspected', 'no: method, path and content are not looked at')]
      : []),
    ...(allowed || rule === undefined ? [] : [line('rule', rule)]),
    ...(decision.message === undefined ? [] : [line('said', decision.message)]),
    ...(credential
      ? [
          line(
            'credential',
            credential.references.length === 0
              ? "the agent's own"
              : `${credential.references.join(', ')} (${credential.scheme})`,
          ),
        ]
      : []),
    ...(decision.allow === undefined ? [] : [line('to allow', decision.allow)]),
  ]
}
