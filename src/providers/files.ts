/** Small pieces of what providers write. */
import type { Json } from '../model/json.ts'

export const json = (value: Json): string => `${JSON.stringify(value, undefined, 2)}\n`

/** An option with its value, or nothing. */
export const optional = (option: string, value: string | undefined): readonly string[] =>
  value === undefined ? [] : [option, value]
