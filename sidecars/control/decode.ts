/**
 * Strict decoding of what arrives on a control socket: every field is named, typed and bounded, an unknown one is
 * an error. Messages name the place, never the value: values may be secrets.
 */
export class DecodeError extends Error {
  override readonly name = 'DecodeError'
  readonly code: string

  constructor(message: string, code = 'invalid-request') {
    super(message)
    this.code = code
  }
}

export type Decoder<T> = (value: unknown, at: string) => T

export function decodeJson(line: string): unknown {
  try {
    return JSON.parse(line)
  } catch {
    throw new DecodeError('the line is not one JSON document')
  }
}

export function fields(
  value: unknown,
  at: string,
  required: readonly string[],
  optional: readonly string[] = [],
): Record<string, unknown> {
  if (typeof value !== 'object' || value === null || Array.isArray(value))
    throw new DecodeError(`${at} is not an object`)
  const object = value as Record<string, unknown>
  for (const key of required)
    if (!Object.hasOwn(object, key)) throw new DecodeError(`${at}.${key} is missing`)
  for (const key of Object.keys(object)) {
    if (!required.includes(key) && !optional.includes(key))
      throw new DecodeError(`${at} has a field that is not known here`)
  }
  return object
}

export function text(value: unknown, at: string, max = 4096): string {
  if (typeof value !== 'string') throw new DecodeError(`${at} is not a text`)
  if (value.length > max) throw new DecodeError(`${at} is longer than ${max} characters`)
  return value
}

export function textOf(pattern: RegExp, max = 4096): Decoder<string> {
  return (value, at) => {
    const found = text(value, at, max)
    if (!pattern.test(found)) throw new DecodeError(`${at} has not the form it must have`)
    return found
  }
}

export function flag(value: unknown, at: string): boolean {
  if (typeof value !== 'boolean') throw new DecodeError(`${at} is not true or false`)
  return value
}

export function whole(value: unknown, at: string, min: number, max: number): number {
  if (typeof value !== 'number' || !Number.isInteger(value) || value < min || value > max) {
    throw new DecodeError(`${at} is not a whole number from ${min} to ${max}`)
  }
  return value
}

export function oneOf<T extends string>(values: readonly T[]): Decoder<T> {
  return (value, at) => {
    const found = values.find((candidate) => candidate === value)
    if (found === undefined) throw new DecodeError(`${at} is none of ${values.join(', ')}`)
    return found
  }
}

export function list<T>(item: Decoder<T>, max: number): Decoder<readonly T[]> {
  return (value, at) => {
    if (!Array.isArray(value)) throw new DecodeError(`${at} is not a list`)
    if (value.length > max) throw new DecodeError(`${at} has more than ${max} entries`)
    return value.map((entry, index) => item(entry, `${at}[${index}]`))
  }
}

/** An object with free keys. `fromEntries` defines them, so a key `__proto__` stays a key. */
export function mapOf<T>(
  key: Decoder<string>,
  item: Decoder<T>,
  max: number,
): Decoder<Readonly<Record<string, T>>> {
  return (value, at) => {
    if (typeof value !== 'object' || value === null || Array.isArray(value))
      throw new DecodeError(`${at} is not an object`)
    const entries = Object.entries(value)
    if (entries.length > max) throw new DecodeError(`${at} has more than ${max} entries`)
    return Object.fromEntries(
      entries.map(([name, member]) => [key(name, `a name in ${at}`), item(member, `an entry of ${at}`)]),
    )
  }
}
