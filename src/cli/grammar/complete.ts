/** Answers for the shells: commands, options, choices, names of bottles. Silent about every failure; never asks, never waits long. */
import { COMMANDS, TOPICS } from './catalogue.ts'
import { LEADING, SHARED } from './shared-options.ts'
import type { CommandSpec, OptionSpec } from './invocation.ts'
import type { Io } from '../io.ts'

/** `words` are what was typed after the program, the last one unfinished (or empty). */
export async function complete(words: readonly string[], io: Io): Promise<string[]> {
  const before = words.slice(0, -1)
  const current = words.at(-1) ?? ''
  return (await candidates(before, current, io)).filter((candidate) => candidate.startsWith(current))
}

async function candidates(before: readonly string[], current: string, io: Io): Promise<readonly string[]> {
  const at = before.findIndex((word) => COMMANDS.some((command) => command.name === word))
  const command = COMMANDS.find((candidate) => candidate.name === before[at])
  const last = before.at(-1) ?? ''
  if (last === '--stack' || command?.name === 'forget') {
    const { liveStacks } = await import('./names.ts')
    return liveStacks(io)
  }
  if (!command && LEADING.some((option) => takesWord(option, last)))
    return LEADING.find((option) => takesWord(option, last))?.choices ?? []
  if (!command && current.startsWith('-')) return LEADING.flatMap(({ flags }) => long(flags))
  if (!command)
    return before[0] === 'help'
      ? [...COMMANDS.map(({ name }) => name), ...TOPICS]
      : [...COMMANDS.map(({ name }) => name), 'help']
  const option = optionBefore(command, before.at(-1) ?? '')
  if (option?.flags.startsWith('--bottle '))
    return (await import('./names.ts')).manifestNames(before, io).then(({ bottles }) => bottles)
  if (option) return option.choices ?? []
  if (current.startsWith('-')) return [...command.options, ...SHARED].flatMap(({ flags }) => long(flags))
  if (command.name === 'completion') return ['bash', 'zsh', 'fish']
  if (command.name === 'schema')
    return ['manifest', 'preset', 'plan', 'events', 'plugin', 'contribution', 'plugin-types']
  if (command.name === 'plugins' && before.length - at < 2) return ['list', 'check']
  if (command.name === 'policy' && before.length - at < 2) return ['suggest']
  if (command.name === 'keys' && before.length - at < 2) return ['revoke']
  const typed = before.slice(at + 1).filter((word) => !word.startsWith('-')).length
  const names = /BOTTLE/.test(command.arguments) || command.name === 'cp' || command.name === 'explain'
  if (
    !names ||
    typed >=
      (command.arguments.includes('…]') || command.arguments === 'BOTTLE…'
        ? Infinity
        : Math.max(1, command.arity[0]))
  )
    return []
  const { manifestNames } = await import('./names.ts')
  const found = await manifestNames(before, io)
  if (command.name === 'explain') return found.addresses
  return command.name === 'cp' ? found.bottles.map((bottle) => `${bottle}:`) : found.bottles
}

function optionBefore(command: CommandSpec, word: string): OptionSpec | undefined {
  return [...command.options, ...SHARED].find((option) => takesWord(option, word))
}

function takesWord(option: OptionSpec, word: string): boolean {
  return option.type !== 'flag' && option.flags.split(/[ ,]+/).includes(word)
}

function long(flags: string): string[] {
  return flags.split(/[ ,]+/).filter((flag) => flag.startsWith('--'))
}
