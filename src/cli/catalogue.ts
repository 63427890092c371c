/** Every command: what it is called and what it takes. Help, parsing and completion all read this table; it loads none of them. */
import type { CommandSpec, OptionSpec } from './invocation.ts'

const MANIFEST: readonly OptionSpec[] = [
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
const STACK: OptionSpec = {
  flags: '--stack <name>',
  type: 'text',
  text: 'name the stack instead of reading a manifest',
}
const YES: OptionSpec = {
  flags: '-y, --yes',
  type: 'flag',
  text: 'do not ask before agents are restarted or removed',
}
const QUIET: OptionSpec = { flags: '-q, --quiet', type: 'flag', text: 'say only what failed' }
const LOCK: OptionSpec = {
  flags: '--lock-timeout <time>',
  type: 'seconds',
  text: 'wait for another run of this stack',
  default: '60s on a terminal, else 0',
}
const FULL: OptionSpec = {
  flags: '--full',
  type: 'flag',
  text: 'show every action also when there are more than 40',
}
const OUTPUT = (...choices: string[]): OptionSpec => ({
  flags: '--output <form>',
  type: 'text',
  text: choices.join(', '),
  choices,
  default: 'pretty',
})
const TAKE_OVER: OptionSpec = {
  flags: '--take-over',
  type: 'flag',
  text: 'go on although another machine or checkout applied last',
}
const PROGRAM: readonly OptionSpec[] = [
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

export const COMMANDS: readonly CommandSpec[] = [
  {
    name: 'diff',
    group: 'Everyday',
    arguments: '[BOTTLE…]',
    arity: [0, Infinity],
    summary: 'Show what live state differs and why; exit 1 on differences',
    examples: ['bot-bottle diff', 'bot-bottle diff --out plan.json && bot-bottle apply --plan plan.json'],
    text: ['Changes nothing, takes no lock, runs nothing from the manifest.'],
    options: [
      ...MANIFEST,
      { flags: '--drift', type: 'flag', text: 'only what changed live without being declared' },
      { flags: '--out <file>', type: 'text', text: 'save the plan for `apply --plan`' },
      OUTPUT('pretty', 'json', 'markdown'),
      FULL,
      TAKE_OVER,
      { flags: '--no-prune', type: 'flag', text: 'leave out removals' },
      { flags: '--allow-empty', type: 'flag', text: 'plan the removal of everything' },
      {
        flags: '--adopt <address>',
        type: 'list',
        text: 'take over an unmarked object that has the declared shape',
      },
    ],
  },
  {
    name: 'apply',
    group: 'Everyday',
    arguments: '[BOTTLE…]',
    arity: [0, Infinity],
    summary: 'Make live state what the manifest says',
    examples: ['bot-bottle apply', 'bot-bottle apply implementer', 'bot-bottle apply --plan plan.json'],
    text: [
      'Asks only when something alive is removed, recreated or restarted. Ends when everything is ready.',
    ],
    options: [
      ...MANIFEST,
      {
        flags: '--plan <file>',
        type: 'text',
        text: 'carry out a saved plan; refused when the world moved since',
      },
      YES,
      { flags: '--no-prune', type: 'flag', text: 'keep what is no longer declared' },
      { flags: '--allow-empty', type: 'flag', text: 'allow the removal of everything' },
      {
        flags: '--adopt <address>',
        type: 'list',
        text: 'take over an unmarked object that has the declared shape',
      },
      TAKE_OVER,
      { flags: '--timeout <time>', type: 'seconds', text: 'wait for readiness, per bottle', default: '120s' },
      { flags: '--no-wait', type: 'flag', text: 'do not wait for readiness' },
      LOCK,
      OUTPUT('pretty', 'json', 'events'),
      QUIET,
      FULL,
    ],
  },
  {
    name: 'watch',
    group: 'Everyday',
    arguments: '[BOTTLE…]',
    arity: [0, Infinity],
    summary: 'Keep it so: apply edits, report drift',
    examples: ['bot-bottle watch', 'bot-bottle watch --heal --yes'],
    text: ['Without --yes it holds back what `apply` would ask about, shows it, and goes on with the rest.'],
    options: [
      ...MANIFEST,
      YES,
      { flags: '--heal', type: 'flag', text: 'repair drift' },
      { flags: '--timeout <time>', type: 'seconds', text: 'wait for readiness, per bottle', default: '120s' },
      LOCK,
    ],
  },
  {
    name: 'status',
    group: 'Everyday',
    arguments: '[BOTTLE…]',
    arity: [0, Infinity],
    summary: 'List the bottles and how they are',
    examples: ['bot-bottle status'],
    options: [...MANIFEST, STACK, OUTPUT('pretty', 'json')],
  },
  {
    name: 'destroy',
    group: 'Everyday',
    arguments: '[BOTTLE…]',
    arity: [0, Infinity],
    summary: 'Remove bottles and everything made for them',
    examples: ['bot-bottle destroy implementer', 'bot-bottle destroy --stack acme --yes'],
    text: ['Workspaces and homes of the bottles are removed with them. Needs no manifest.'],
    options: [
      ...MANIFEST,
      STACK,
      YES,
      { flags: '--force', type: 'flag', text: 'also when the stack record cannot be read' },
      LOCK,
      OUTPUT('pretty', 'json', 'events'),
      QUIET,
      FULL,
      TAKE_OVER,
    ],
  },
  {
    name: 'run',
    group: 'Bottles',
    arguments: 'BOTTLE [-- ARG…]',
    arity: [1, Infinity],
    passThrough: true,
    summary: "Start a bottle's agent on this terminal, or attach when it runs",
    examples: ['bot-bottle run implementer', 'bot-bottle run implementer -- --verbose'],
    text: ['Not in sync: shows the plan of this bottle and goes on as `apply` would.'],
    options: [
      ...MANIFEST,
      YES,
      {
        flags: '--detach-keys <keys>',
        type: 'text',
        text: 'leave the agent running',
        default: 'ctrl-p,ctrl-q',
      },
    ],
  },
  {
    name: 'attach',
    group: 'Bottles',
    arguments: 'BOTTLE',
    arity: [1, 1],
    summary: 'Put a running agent on this terminal',
    examples: ['bot-bottle attach implementer'],
    text: ['The output of the agent is shown as it is; other commands show it made safe.'],
    options: [
      ...MANIFEST,
      STACK,
      {
        flags: '--detach-keys <keys>',
        type: 'text',
        text: 'leave the agent running',
        default: 'ctrl-p,ctrl-q',
      },
      { flags: '--no-stdin', type: 'flag', text: 'watch only' },
    ],
  },
  {
    name: 'exec',
    group: 'Bottles',
    arguments: 'BOTTLE COMMAND [ARG…]',
    arity: [2, Infinity],
    passThrough: true,
    summary: 'Run a program in a bottle; its exit code is passed on',
    examples: ['bot-bottle exec implementer ls -l /workspace', 'bot-bottle exec implementer sh'],
    options: [...MANIFEST, STACK, ...PROGRAM],
  },
  {
    name: 'logs',
    group: 'Bottles',
    arguments: '[BOTTLE…]',
    arity: [0, Infinity],
    summary: 'Show what an agent printed, or what was allowed and refused',
    examples: ['bot-bottle logs implementer --tail 50', 'bot-bottle logs --egress --follow'],
    options: [
      ...MANIFEST,
      STACK,
      { flags: '--egress', type: 'flag', text: 'requests: time, bottle, decision, method, host, path, rule' },
      { flags: '--follow', type: 'flag', text: 'go on as it happens' },
      { flags: '--tail <lines>', type: 'number', text: 'only the last lines', default: 'all' },
      { flags: '--since <time>', type: 'text', text: 'ISO 8601, or 10m, 2h' },
      { flags: '--json', type: 'flag', text: 'one JSON document per line' },
    ],
  },
  {
    name: 'cp',
    group: 'Bottles',
    arguments: 'SOURCE TARGET',
    arity: [2, 2],
    summary: 'Copy a file or folder into or out of a bottle',
    examples: [
      'bot-bottle cp notes.md implementer:/workspace/',
      'bot-bottle cp implementer:/workspace/dist ./dist',
    ],
    text: [
      'One of the two is BOTTLE:PATH with an absolute path. Links are never followed inside the bottle.',
    ],
    options: [...MANIFEST, STACK],
  },
  {
    name: 'start',
    group: 'Bottles',
    arguments: 'BOTTLE…',
    arity: [1, Infinity],
    summary: 'Start bottles that were stopped',
    examples: ['bot-bottle start implementer'],
    options: [...MANIFEST, LOCK],
  },
  {
    name: 'stop',
    group: 'Bottles',
    arguments: 'BOTTLE…',
    arity: [1, Infinity],
    summary: 'Halt bottles and keep them; apply does not start them again',
    examples: ['bot-bottle stop implementer'],
    options: [...MANIFEST, LOCK],
  },
  {
    name: 'init',
    group: 'Manifest',
    arguments: '[FOLDER]',
    arity: [0, 1],
    summary: 'Write a commented first bottles.yaml',
    examples: ['bot-bottle init'],
    options: [
      { flags: '--stack <name>', type: 'text', text: 'name of the stack', default: "the folder's name" },
    ],
  },
  {
    name: 'validate',
    group: 'Manifest',
    arguments: '',
    arity: [0, 0],
    summary: 'Check the manifest and say everything that is wrong with it',
    examples: ['bot-bottle validate'],
    options: [...MANIFEST, OUTPUT('pretty', 'json'), QUIET],
  },
  {
    name: 'explain',
    group: 'Manifest',
    arguments: 'ADDRESS',
    arity: [1, 1],
    summary: 'Show every field of one object and the line it came from',
    examples: ['bot-bottle explain route/implementer/api.github.com'],
    options: [...MANIFEST, OUTPUT('pretty', 'json')],
  },
  {
    name: 'schema',
    group: 'Manifest',
    arguments: '[manifest | plan | events]',
    arity: [0, 1],
    summary: 'Print a JSON Schema for editors and programs',
    examples: ['bot-bottle schema > .bot-bottle/manifest.v1.json'],
    options: [],
  },
  {
    name: 'doctor',
    group: 'Machine',
    arguments: '',
    arity: [0, 0],
    summary: 'Check this machine; each finding comes with the command that mends it',
    examples: ['bot-bottle doctor', 'bot-bottle doctor --secrets'],
    options: [
      ...MANIFEST,
      { flags: '--secrets', type: 'flag', text: 'try every secret reference, print names only' },
      OUTPUT('pretty', 'json'),
    ],
  },
  {
    name: 'forget',
    group: 'Machine',
    arguments: 'STACK',
    arity: [1, 1],
    summary: 'Remove the local state of a stack that has no live objects',
    examples: ['bot-bottle forget acme'],
    options: [
      YES,
      {
        flags: '--driver <name>',
        type: 'text',
        text: 'driver whose engine it was on',
        choices: ['docker', 'smolvm', 'memory'],
        default: 'docker',
      },
    ],
  },
  {
    name: 'completion',
    group: 'Machine',
    arguments: 'bash | zsh | fish',
    arity: [1, 1],
    summary: 'Print the completion script of a shell',
    examples: ['source <(bot-bottle completion bash)'],
    options: [],
  },
  {
    name: 'version',
    group: 'Machine',
    arguments: '',
    arity: [0, 0],
    summary: 'Print the version',
    examples: ['bot-bottle version'],
    options: [OUTPUT('pretty', 'json')],
  },
]

export const GROUPS = ['Everyday', 'Bottles', 'Manifest', 'Machine'] as const
export const TOPICS = ['manifest', 'exit-codes', 'security'] as const
