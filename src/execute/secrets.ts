/**
 * Resolves references to secrets: each at most once per run, all that fail reported together, nothing stored
 * (contract.md, What is compared with what). `quiet` is for `diff`: it runs no command, asks nothing, and what cannot
 * be had is simply not there.
 */
import { BottleError, ensureError, UsageError } from '../model/errors.ts'
import { canonical } from '../model/json.ts'
import { describeSecretRef, Secret } from '../model/secret.ts'
import type { SecretRef } from '../model/secret.ts'
import type { HostLogin } from '../model/provider.ts'
import { secretFromLogin } from './secret-login.ts'
import { readSecretFile } from './secret-file.ts'
import { secretFromCommand } from './secret-command.ts'

export interface SecretSources {
  readonly env: Readonly<Record<string, string | undefined>>
  /** Absent: there is no terminal, and `?` cannot be answered. */
  readonly ask?: (question: string) => Promise<string>
  /** Of a provider; absent: sign-ins of the host cannot be read here. */
  readonly login?: (provider: string) => Promise<HostLogin | undefined>
  readonly signal?: AbortSignal
  /** Of one command; default 30 s. */
  readonly commandLimitMs?: number
}

export interface SecretResolver {
  /** The value of a credential: fit for a header, or an error that names the reference only. */
  credential(ref: SecretRef): Promise<Secret>
  /** The value of an environment variable: may hold line breaks, but no NUL. */
  variable(ref: SecretRef): Promise<Secret>
}

export function secretResolver(sources: SecretSources): SecretResolver {
  const values = new Map<string, Promise<string>>()
  // Two questions at once cannot be told apart on one terminal.
  let asked: Promise<unknown> = Promise.resolve()
  const value = (ref: SecretRef): Promise<string> => {
    const key = canonical(ref)
    const known = values.get(key)
    if (known) return known
    const read = () => valueOf(ref, sources)
    const found = ref.from === 'ask' ? asked.then(read, read) : read()
    if (ref.from === 'ask') asked = found
    values.set(key, found)
    found.catch(() => undefined)
    return found
  }
  return {
    credential: async (ref) => new Secret(checkedCredential(ref, withoutNewline(await value(ref)))),
    variable: async (ref) => new Secret(checkedVariable(ref, withoutNewline(await value(ref)))),
  }
}

/** Every reference by its id, or one error that names all that cannot be had: before the first action (exit 2). */
export async function resolveAll(
  refs: Readonly<Record<string, SecretRef>>,
  { credential }: Pick<SecretResolver, 'credential'>,
): Promise<ReadonlyMap<string, Secret>> {
  const found = new Map<string, Secret>()
  const missing: BottleError[] = []
  await Promise.all(
    Object.entries(refs).map(async ([id, ref]) => {
      try {
        found.set(id, await credential(ref))
      } catch (error) {
        if (!(error instanceof BottleError)) throw error
        missing.push(error)
      }
    }),
  )
  const [first] = missing
  if (!first) return found
  const messages = missing.map(({ message }) => message).sort()
  throw new UsageError(messages.join('; '), {
    code: 'secret-unresolved',
    hint:
      missing.length === 1 && first.hint !== undefined
        ? first.hint
        : 'nothing was done; set them and apply again',
  })
}

export interface QuietAnswers {
  readonly found: ReadonlyMap<string, Secret>
  /** Why a reference that was tried gave nothing; names the reference, never a value. */
  readonly refused: ReadonlyMap<string, BottleError>
}

/** What can be had without a trace: environment and files. The rest is in neither answer. */
export async function resolveQuietly(
  refs: Readonly<Record<string, SecretRef>>,
  env: SecretSources['env'],
): Promise<QuietAnswers> {
  const resolver = secretResolver({ env })
  const [found, refused] = [new Map<string, Secret>(), new Map<string, BottleError>()]
  const silent = Object.entries(refs).filter(([, { from }]) => from === 'env' || from === 'file')
  await Promise.all(
    silent.map(async ([id, ref]) => {
      try {
        found.set(id, await resolver.credential(ref))
      } catch (thrown) {
        refused.set(id, ensureError(thrown))
      }
    }),
  )
  return { found, refused }
}

async function valueOf(ref: SecretRef, sources: SecretSources): Promise<string> {
  switch (ref.from) {
    case 'env': {
      const value = sources.env[ref.name]
      if (value !== undefined && value !== '') return value
      throw new UsageError(`environment variable ${ref.name} is not set`, {
        code: 'secret-unset',
        hint: `export ${ref.name} and run the command again`,
      })
    }
    case 'file':
      return readSecretFile(ref.path)
    case 'command':
      return secretFromCommand(ref.argv, {
        env: sources.env,
        ...(sources.commandLimitMs !== undefined && { limitMs: sources.commandLimitMs }),
        ...(sources.signal && { signal: sources.signal }),
      })
    case 'login': {
      const login = await sources.login?.(ref.provider)
      if (login) return secretFromLogin(ref, login)
      throw new UsageError(`nothing here knows how ${ref.provider} signs in`, { code: 'host-login' })
    }
    case 'ask':
      if (sources.ask) return sources.ask(`value for ${ref.for}`)
      throw new UsageError(`the value for ${ref.for} has to be asked for, and there is no terminal`, {
        code: 'secret-no-terminal',
        hint: 'run it on a terminal, or write where the value is had instead of `?`',
      })
  }
}

function withoutNewline(value: string): string {
  return value.replace(/\r?\n$/, '')
}

/** A line break in a header is another header (containment.md, CRD-05). */
function checkedCredential(ref: SecretRef, value: string): string {
  if (value === '') throw unfit(ref, 'is empty')
  if (/[^\x20-\x7e]/.test(value))
    throw unfit(ref, 'holds characters that no credential may have (line breaks, controls, or beyond ASCII)')
  if (value !== value.trim()) throw unfit(ref, 'begins or ends with a space')
  return value
}

function checkedVariable(ref: SecretRef, value: string): string {
  if (value.includes('\0')) throw unfit(ref, 'holds a NUL character')
  return value
}

function unfit(ref: SecretRef, what: string): UsageError {
  return new UsageError(`the secret from ${describeSecretRef(ref)} ${what}`, {
    code: 'secret-unfit',
    hint: 'one trailing line break is dropped; everything else has to be the value itself',
  })
}
