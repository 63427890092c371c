/** Every resolved field of one object with the place it came from. */
import type { Place } from '../model/diagnostic.ts'
import type { Json } from '../model/json.ts'
import { safeText } from '../model/text.ts'
import { padEnd, widthOf } from './columns.ts'
import { tint } from './style.ts'
import type { Style } from './style.ts'
import { placeOf, valueOf } from './words.ts'

export interface Explained {
  readonly address: string
  readonly fields: readonly {
    readonly path: string
    readonly value: Json
    /** Absent: the program's own default. */
    readonly place?: Place
    /** How it came here, outermost first: `defaults`, `extends base`; empty: written right there. */
    readonly via: readonly string[]
    /** What it stands instead of. */
    readonly replaces?: Place
  }[]
}

export function explainLines(explained: Explained, style: Style): string[] {
  const paths = Math.max(0, ...explained.fields.map((field) => widthOf(safeText(field.path))))
  const values = Math.min(60, Math.max(0, ...explained.fields.map((field) => widthOf(valueOf(field.value)))))
  return [
    tint(style, 'bold', safeText(explained.address)),
    '',
    ...(explained.fields.length === 0 ? ['  no field of the manifest says anything about it'] : []),
    ...explained.fields.map((field) => {
      const from = [
        field.place ? placeOf(field.place) : '(built in)',
        ...(field.via.length > 0 ? [`(${field.via.map((step) => safeText(step)).join(', ')})`] : []),
        ...(field.replaces ? [`instead of ${placeOf(field.replaces)}`] : []),
      ].join(' ')
      return `  ${padEnd(safeText(field.path), paths)}  ${padEnd(valueOf(field.value), values)}  ${tint(style, 'dim', from)}`.trimEnd()
    }),
  ]
}
