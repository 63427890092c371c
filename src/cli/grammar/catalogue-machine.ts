/** The commands about this machine and this installation. */
import type { CommandSpec } from './invocation.ts'
import { MANIFEST, YES, OUTPUT } from './shared-options.ts'

export const MACHINE_COMMANDS: readonly CommandSpec[] = [
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
    name: 'plugins',
    group: 'Machine',
    arguments: '[list | check [NAME | FOLDER]]',
    arity: [0, 2],
    summary: 'List the plug-ins in your own folder, or check that they keep to what plug-ins keep to',
    examples: ['bot-bottle plugins', 'bot-bottle plugins check acme', 'bot-bottle plugins check ./acme'],
    text: [
      '`list` runs nothing of them; `check` runs their modules here. A FOLDER has a `/` in it, and is held to the same as',
      'those of your own: nobody else can write it. Exit 1 when a check finds something.',
    ],
    options: [OUTPUT('pretty', 'json'), { flags: '--json', type: 'flag', text: 'the same as --output json' }],
  },
  {
    name: 'prune',
    group: 'Machine',
    arguments: '',
    arity: [0, 0],
    summary: 'Remove images and leftovers of this program that nobody uses',
    examples: ['bot-bottle prune --dry-run', 'bot-bottle prune --frozen --yes'],
    text: [
      'Shows each thing, what it was and what becomes free, and asks. What a container uses, what the manifest here declares',
      'and what any stack applied last stays, and so does everything that another installation made.',
    ],
    options: [
      ...MANIFEST,
      { flags: '-y, --yes', type: 'flag', text: 'do not ask' },
      { flags: '--dry-run', type: 'flag', text: 'show it only' },
      { flags: '--frozen', type: 'flag', text: 'also frozen images whose bottle is gone' },
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
