/** Options that several commands share, and those that every command has. */
import type { OptionSpec } from './invocation.ts'

export const MANIFEST: readonly OptionSpec[] = [
  {
    flags: '-f, --file <path>',
    type: 'list',
    text: 'manifest file, folder, or - for standard input; may be repeated',
    default: '$BOT_BOTTLE_FILE, else bottles.yaml here',
  },
  { flags: '--set <path=value>', type: 'list', text: 'replace one value of the manifest; may be repeated' },
  {
    flags: '--driver <name>',
    type: 'text',
    text: 'driver of bottles that name none',
    choices: ['docker', 'smolvm', 'memory'],
    default: '$BOT_BOTTLE_DRIVER, else docker',
  },
]
export const STACK: OptionSpec = {
  flags: '--stack <name>',
  type: 'text',
  text: 'name the stack instead of reading a manifest',
}
export const YES: OptionSpec = {
  flags: '-y, --yes',
  type: 'flag',
  text: 'do not ask before agents are restarted or removed',
}
export const QUIET: OptionSpec = { flags: '-q, --quiet', type: 'flag', text: 'say only what failed' }
export const LOCK: OptionSpec = {
  flags: '--lock-timeout <time>',
  type: 'seconds',
  text: 'wait for another run of this stack',
  default: '60s on a terminal, else 0',
}
export const FULL: OptionSpec = {
  flags: '--full',
  type: 'flag',
  text: 'show every action also when there are more than 40',
}
export const OUTPUT = (...choices: string[]): OptionSpec => ({
  flags: '--output <form>',
  type: 'text',
  text: choices.join(', '),
  choices,
  default: 'pretty',
})
export const TAKE_OVER: OptionSpec = {
  flags: '--take-over',
  type: 'flag',
  text: 'go on although another machine or checkout applied last',
}
export const DETACH_KEYS: OptionSpec = {
  flags: '--detach-keys <keys>',
  type: 'keys',
  text: 'leave the agent running; "" for none',
  default: 'ctrl-p,ctrl-q',
}
export const PROGRAM: readonly OptionSpec[] = [
  {
    flags: '-e, --env <name=value>',
    type: 'list',
    text: 'set a variable for the program; NAME alone copies it',
  },
  { flags: '-w, --workdir <path>', type: 'text', text: 'folder to start in', default: '/workspace' },
  { flags: '-u, --user <uid:gid>', type: 'text', text: 'numeric user', default: "the agent's" },
  { flags: '-i, --interactive', type: 'flag', text: 'pass standard input on', default: 'always' },
  {
    flags: '-t, --tty',
    type: 'flag',
    text: 'give the program a terminal',
    default: 'when there is one here',
  },
  { flags: '-T, --no-tty', type: 'flag', text: 'give it none' },
]

export const SHARED: readonly OptionSpec[] = [
  {
    flags: '--state-dir <path>',
    type: 'text',
    text: "the program's own folder",
    default: '$BOT_BOTTLE_HOME, else ~/.bot-bottle',
  },
  { flags: '--no-unicode', type: 'flag', text: 'plain ASCII signs' },
  { flags: '-h, --help', type: 'flag', text: 'this text' },
]

/** Options that may also stand before the command, as with docker compose. */
export const LEADING: readonly OptionSpec[] = [
  ...MANIFEST,
  ...SHARED.filter((option) => !option.flags.includes('--help')),
]
