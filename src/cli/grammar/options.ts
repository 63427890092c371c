/** Parsed options by name, read with their type; the only place that looks into the parser's values. */
import { UsageError } from '../../model/errors.ts'

export class Options {
  readonly #values: Readonly<Record<string, unknown>>

  constructor(values: Readonly<Record<string, unknown>>) {
    this.#values = values
  }

  /** `--yes`; for `--no-prune`, `off('prune')` says that it was given. */
  flag(name: string): boolean {
    return this.#values[name] === true
  }

  off(name: string): boolean {
    return this.#values[name] === false
  }

  text(name: string): string | undefined {
    const value = this.#values[name]
    return typeof value === 'string' ? value : undefined
  }

  list(name: string): readonly string[] {
    const value = this.#values[name]
    return Array.isArray(value) ? value.filter((item) => typeof item === 'string') : []
  }

  number(name: string): number | undefined {
    const value = this.#values[name]
    return typeof value === 'number' ? value : undefined
  }

  with(values: Readonly<Record<string, unknown>>): Options {
    return new Options({ ...this.#values, ...values })
  }
}

const UNITS: Readonly<Record<string, number>> = { ms: 0.001, s: 1, m: 60, h: 3600 }

/** `90`, `90s`, `2m`, `500ms`: seconds. */
export function parseSeconds(option: string, text: string): number {
  const [, digits, unit] = /^(\d+(?:\.\d+)?)(ms|s|m|h)?$/.exec(text) ?? []
  if (digits === undefined) {
    throw new UsageError(`${option} takes a time such as 90, 90s or 2m, not \`${text}\``, {
      code: 'bad-option',
    })
  }
  return Number(digits) * (UNITS[unit ?? 's'] ?? 1)
}

export function parseNumber(option: string, text: string): number {
  if (!/^\d{1,9}$/.test(text))
    throw new UsageError(`${option} takes a whole number, not \`${text}\``, { code: 'bad-option' })
  return Number(text)
}

/** One printed character or `ctrl-` and one of a–z, @, [, \, ], ^, _; none at all is a sequence too. */
const KEYS = /^(?:(?:[!-~]|ctrl-[a-z@[\\\]^_])(?:,(?:[!-~]|ctrl-[a-z@[\\\]^_]))*)?$/

export function parseKeys(option: string, text: string): string {
  if (!KEYS.test(text))
    throw new UsageError(`${option} takes keys such as ctrl-p,ctrl-q or a,b, not \`${text}\``, {
      code: 'bad-option',
    })
  return text
}
