/** There is no manifest here: what this command can go on with, and what the words on its line look like. */
import { UsageError } from '../model/errors.ts'
import { COMMANDS } from './catalogue.ts'
import type { Invocation } from './invocation.ts'

export function noManifest({ command, args }: Pick<Invocation, 'command' | 'args'>): UsageError {
  const named = args.find((word) => /\.ya?ml$|\//.test(word))
  const options = COMMANDS.find(({ name }) => name === command)?.options ?? []
  const byName = options.some(({ flags }) => flags.startsWith('--stack '))
  return new UsageError('there is no manifest here', {
    code: 'no-manifest',
    hint:
      named === undefined
        ? `name one with -f${byName ? ', name the stack with --stack' : ''}, or begin with \`bot-bottle init\``
        : `to read that one: -f ${named}`,
  })
}
