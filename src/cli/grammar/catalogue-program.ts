/** Commands that run a program in a bottle: its agent, or one beside it. */
import type { CommandSpec } from './invocation.ts'
import { DETACH_KEYS, LOCK, MANIFEST, PROGRAM, STACK, YES } from './shared-options.ts'

export const PROGRAM_COMMANDS: readonly CommandSpec[] = [
  {
    name: 'run',
    group: 'Bottles',
    arguments: 'BOTTLE [-- ARG…]',
    arity: [1, Infinity],
    passThrough: true,
    summary: "Start a bottle's agent on this terminal, or attach when it runs",
    examples: [
      'bot-bottle run implementer',
      'bot-bottle run implementer -- --verbose',
      "bot-bottle run --headless --prompt 'Fix the tests.' implementer",
      "bot-bottle run --headless --output events --prompt 'Fix the tests.' implementer",
    ],
    text: [
      'Not in sync: shows the plan of this bottle and goes on as `apply` would.',
      'With a provider it starts its agent; ARG stands behind what the provider starts it with.',
      "--headless does one task without a terminal: output and exit code are the agent's own, and `logs` keeps the output.",
      'Without a provider it starts what a ready image (`image:`) starts by itself, with ARG as `docker run` takes it; on the base image a shell.',
    ],
    options: [
      ...MANIFEST,
      YES,
      DETACH_KEYS,
      { flags: '--headless', type: 'flag', text: 'do the task of --prompt and end' },
      { flags: '--prompt <text>', type: 'text', text: 'the task; with --headless' },
      {
        flags: '--timeout <time>',
        type: 'seconds',
        text: 'end the agent after this time, exit 124; with --headless',
        default: 'none',
      },
      {
        flags: '--output <form>',
        type: 'text',
        text: 'pretty; events: what it says, what is refused to it and its end as JSON lines; with --headless',
        choices: ['pretty', 'events'],
        default: 'pretty',
      },
    ],
  },
  {
    name: 'resume',
    group: 'Bottles',
    arguments: 'BOTTLE [-- ARG…]',
    arity: [1, Infinity],
    passThrough: true,
    summary: "Go on with the last conversation of a bottle's agent, on this terminal",
    examples: ['bot-bottle resume implementer', "bot-bottle resume implementer -- -p 'And the tests?'"],
    text: [
      'As `run`, and starts a bottle that was stopped; the agent is started so that it continues where it ended. One that',
      'runs already is attached to. A bottle whose container is gone is made again, from its frozen image where it has one.',
      'Without a provider there is no conversation, and it does what `run` does.',
    ],
    options: [...MANIFEST, YES, DETACH_KEYS, LOCK],
  },
  {
    name: 'attach',
    group: 'Bottles',
    arguments: 'BOTTLE',
    arity: [1, 1],
    summary: 'Put a running agent on this terminal',
    examples: ['bot-bottle attach implementer'],
    text: ['The output of the agent is shown as it is; other commands show it made safe.'],
    options: [...MANIFEST, STACK, DETACH_KEYS, { flags: '--no-stdin', type: 'flag', text: 'watch only' }],
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
]
