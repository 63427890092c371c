/** Help texts: an example first, then options with their defaults. */
import { padEnd, widthOf } from './columns.ts'
import { tint } from './style.ts'
import type { Style } from './style.ts'

export interface OptionHelp {
  /** `-f, --file <path>` */
  readonly flags: string
  readonly text: string
  readonly default?: string
}

export interface CommandHelp {
  readonly name: string
  /** `[BOTTLE…]` */
  readonly arguments: string
  readonly summary: string
  readonly examples: readonly string[]
  readonly text?: readonly string[]
  readonly options: readonly OptionHelp[]
}

export function commandHelp(command: CommandHelp, shared: readonly OptionHelp[], style: Style): string[] {
  const usage = `bot-bottle ${command.name}${command.arguments === '' ? '' : ` ${command.arguments}`}${command.options.length > 0 ? ' [options]' : ''}`
  return [
    command.summary,
    '',
    ...command.examples.map((example) => `  $ ${example}`),
    '',
    `${tint(style, 'bold', 'Usage')}  ${usage}`,
    ...(command.text ? ['', ...command.text] : []),
    ...(command.options.length > 0
      ? ['', tint(style, 'bold', 'Options'), ...optionLines(command.options)]
      : []),
    '',
    tint(style, 'bold', 'Everywhere'),
    ...optionLines(shared),
  ]
}

export function optionLines(options: readonly OptionHelp[]): string[] {
  const widest = Math.max(0, ...options.map((option) => widthOf(option.flags)))
  return options.map(
    (option) =>
      `  ${padEnd(option.flags, widest)}  ${option.text}${option.default === undefined ? '' : ` (default: ${option.default})`}`,
  )
}

export interface HelpGroup {
  readonly title: string
  readonly commands: readonly Pick<CommandHelp, 'name' | 'summary'>[]
}

export function programHelp(groups: readonly HelpGroup[], topics: readonly string[], style: Style): string[] {
  const widest = Math.max(...groups.flatMap((group) => group.commands.map((command) => command.name.length)))
  return [
    'Sandboxes for coding agents that hold no credential and no network, declared in bottles.yaml.',
    '',
    '  $ bot-bottle init              write a first bottles.yaml',
    '  $ bot-bottle diff              what would change, and why',
    '  $ bot-bottle apply             make it so',
    '  $ bot-bottle run implementer   start its agent on this terminal',
    ...groups.flatMap((group) => [
      '',
      tint(style, 'bold', group.title),
      ...group.commands.map((command) => `  ${padEnd(command.name, widest)}  ${command.summary}`),
    ]),
    '',
    `More: bot-bottle COMMAND --help, bot-bottle help ${topics.join(' | ')}`,
  ]
}
