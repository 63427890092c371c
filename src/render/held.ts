/** What `watch` sees and does not do by itself. */
import { safeText } from '../model/text.ts'
import { folded } from './columns.ts'
import { tint } from './style.ts'
import type { Style } from './style.ts'

export interface HeldLine {
  readonly address: string
  readonly reason: string
  readonly because: 'drift' | 'asks' | 'blocked' | 'needs'
}

const WORDS: Readonly<Record<HeldLine['because'], string>> = {
  drift: 'drift, repaired with --heal',
  asks: 'held back: disturbs the agent; bot-bottle apply asks, watch --yes does it',
  blocked: 'blocked',
  needs: 'waits for what is held back',
}

export function heldLines(held: readonly HeldLine[], style: Style): string[] {
  return held.flatMap(({ address, reason, because }) =>
    folded(
      `${tint(style, 'yellow', '!')} ${safeText(address)}`,
      [safeText(reason), `[${WORDS[because]}]`],
      style.width,
    ),
  )
}
