/** There is no manifest here, or none that can be used: what this command can go on with. */
import { ManifestError, UsageError } from '../../model/errors.ts'
import { isName } from '../../model/names.ts'
import { COMMANDS } from '../grammar/catalogue.ts'
import type { Invocation } from '../grammar/invocation.ts'

export function noManifest({ command, args }: Pick<Invocation, 'command' | 'args'>): UsageError {
  const named = args.find((word) => /\.ya?ml$|\//.test(word))
  const byName = takesStack(command)
  return new UsageError('there is no manifest here', {
    code: 'no-manifest',
    hint:
      named === undefined
        ? `name one with -f${byName ? ', name the stack with --stack' : ''}, or begin with \`bot-bottle init\``
        : `to read that one: -f ${named}`,
  })
}

/** A mistake in the manifest must not stand between an operator and what is live. */
export function withWayAround(
  error: ManifestError,
  { command, args }: Pick<Invocation, 'command' | 'args'>,
): ManifestError {
  if (!takesStack(command)) return error
  const words = args.length === 0 ? '' : ` ${args.every(isName) ? args.join(' ') : '…'}`
  const hint = `without the manifest: bot-bottle ${command} --stack ${stackOf(error) ?? 'NAME'}${words}`
  return new ManifestError(error.diagnostics, error.sources, hint)
}

function takesStack(command: string): boolean {
  const options = COMMANDS.find(({ name }) => name === command)?.options ?? []
  return options.some(({ flags }) => flags.startsWith('--stack '))
}

/** The letters only, for a hint: of a manifest that is broken nothing is believed. */
function stackOf({ sources }: ManifestError): string | undefined {
  for (const text of sources?.values() ?? []) {
    const [, name = ''] =
      /^(?:stack|"stack"|'stack')[ \t]*:[ \t]*["']?([a-z0-9-]+)["']?[ \t]*(?:#.*)?$/m.exec(text) ?? []
    if (isName(name)) return name
  }
  return undefined
}
