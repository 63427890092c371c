/** From words to a command, its arguments and options; commander does the parsing, the catalogue says what there is. */
import { Command, CommanderError, Option } from 'commander'
import { UsageError } from '../../model/errors.ts'
import { COMMANDS } from './catalogue.ts'
import { habitHint } from './habits.ts'
import { LEADING, SHARED } from './shared-options.ts'
import type { CommandSpec, OptionSpec } from './invocation.ts'
import { Options, parseKeys, parseNumber, parseSeconds } from './options.ts'

export type Parsed =
  | { readonly command: CommandSpec; readonly args: readonly string[]; readonly options: Options }
  | { readonly help: string }

export async function parse(argv: readonly string[]): Promise<Parsed> {
  let parsed: Parsed | undefined
  const program = silent(new Command('bot-bottle')).enablePositionalOptions().helpCommand(false)
  for (const option of LEADING) program.addOption(optionOf(option))
  program.option('-h, --help')
  for (const spec of COMMANDS) {
    const command = silent(program.command(spec.name)).argument('[words...]')
    if (spec.passThrough) command.passThroughOptions()
    // Start-up counts: options only of what can be meant; every name is there for suggestions.
    if (argv.includes(spec.name))
      for (const option of [...spec.options, ...SHARED]) command.addOption(optionOf(option))
    command.action(() => {
      parsed =
        command.opts()['help'] === true
          ? { help: spec.name }
          : { command: spec, args: checked(spec, command.args), options: merged(program, command) }
    })
  }
  try {
    await program.parseAsync([...argv], { from: 'user' })
  } catch (error) {
    if (!(error instanceof CommanderError)) throw error
    // Options and no command.
    if (error.code === 'commander.help') return { help: '' }
    throw usageError(error, argv)
  }
  return parsed ?? { help: '' }
}

function silent(command: Command): Command {
  return command
    .exitOverride()
    .helpOption(false)
    .configureOutput({ writeErr: () => {}, writeOut: () => {} })
}

function optionOf(spec: OptionSpec): Option {
  const option = new Option(spec.flags, spec.text)
  const long = option.long ?? spec.flags
  if (spec.choices) option.choices(spec.choices)
  if (spec.type === 'list')
    option.argParser((word: string, before: string[] | undefined) => [...(before ?? []), word])
  if (spec.type === 'seconds') option.argParser((word: string) => parseSeconds(long, word))
  if (spec.type === 'number') option.argParser((word: string) => parseNumber(long, word))
  if (spec.type === 'keys') option.argParser((word: string) => parseKeys(long, word))
  return option
}

/** What stood before the command counts as well; the same option after it wins, lists are joined. */
function merged(program: Command, command: Command): Options {
  const values: Record<string, unknown> = {}
  for (const from of [program, command]) {
    for (const [name, value] of Object.entries(from.opts())) {
      const before = values[name]
      if (Array.isArray(before) && Array.isArray(value)) values[name] = [...before, ...value]
      else if (before === undefined || from.getOptionValueSource(name) !== 'default') values[name] = value
    }
  }
  return new Options(values)
}

function checked(spec: CommandSpec, args: readonly string[]): readonly string[] {
  const [fewest, most] = spec.arity
  if (args.length >= fewest && args.length <= most) return args
  const hint = `usage: bot-bottle ${spec.name} ${spec.arguments}`.trimEnd()
  if (args.length < fewest)
    throw new UsageError(`${spec.name} needs ${spec.arguments}`, { code: 'missing-argument', hint })
  throw new UsageError(`${spec.name} takes no argument \`${args[most] ?? ''}\``, {
    code: 'excess-argument',
    hint,
  })
}

/** Commander's words without its prefix; its suggestion becomes the hint. */
function usageError(error: CommanderError, argv: readonly string[]): UsageError {
  const command = COMMANDS.find((spec) => argv.includes(spec.name))
  const fallback = command
    ? `bot-bottle ${command.name} --help lists its options`
    : 'bot-bottle --help lists the commands'
  const [message = '', ...more] = error.message.replace(/^error: /, '').split('\n')
  const suggestion = /Did you mean (?:one of )?(.*?)\?/.exec(more.join(' '))?.[1]
  return new UsageError(message, {
    code: error.code.replace(/^commander\./, '').replaceAll(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`),
    hint: habitHint(message) ?? (suggestion === undefined ? fallback : `did you mean ${suggestion}?`),
  })
}
