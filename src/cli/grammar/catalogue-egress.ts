/** The commands that show what agents said and what their egress let through. */
import type { CommandSpec } from './invocation.ts'
import { MANIFEST, STACK } from './shared-options.ts'

export const EGRESS_COMMANDS: readonly CommandSpec[] = [
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
      {
        flags: '--egress',
        type: 'flag',
        text: 'requests of all that is kept: time, bottle, decision, method, host, path, rule',
      },
      { flags: '--git', type: 'flag', text: 'the same for fetches and pushes at the git gate' },
      { flags: '--follow', type: 'flag', text: 'go on as it happens' },
      { flags: '--tail <lines>', type: 'number', text: 'only the last lines', default: 'all' },
      { flags: '--since <time>', type: 'text', text: 'ISO 8601, or 10m, 2h' },
      { flags: '--json', type: 'flag', text: 'one JSON document per line' },
    ],
  },
  {
    name: 'top',
    group: 'Bottles',
    arguments: '[BOTTLE…]',
    arity: [0, Infinity],
    summary: 'Show requests, refusals and bytes by bottle and host, as they happen',
    examples: ['bot-bottle top', 'bot-bottle top implementer --json --interval 10s'],
    text: [
      'Counted since egress of each bottle began, by declared host. Goes on on a terminal until Ctrl-C; elsewhere it',
      'prints once, or with --interval until it is ended.',
    ],
    options: [
      ...MANIFEST,
      STACK,
      { flags: '--once', type: 'flag', text: 'print once' },
      { flags: '--interval <time>', type: 'seconds', text: 'between two looks', default: '2s' },
      { flags: '--json', type: 'flag', text: 'one JSON document per bottle and look' },
    ],
  },
  {
    name: 'metrics',
    group: 'Bottles',
    arguments: '[BOTTLE…]',
    arity: [0, Infinity],
    summary: 'Print the counters of bottles as Prometheus reads them',
    examples: ['bot-bottle metrics >/var/lib/node_exporter/bot-bottle.prom'],
    text: ['Labels are stacks, bottles, declared hosts, rules and daemons; nothing that an agent sent.'],
    options: [...MANIFEST, STACK],
  },
  {
    name: 'har',
    group: 'Bottles',
    arguments: 'BOTTLE',
    arity: [1, 1],
    summary: 'Print the traffic of a bottle as an HTTP archive (HAR 1.2)',
    examples: ['bot-bottle har implementer --since 1h --out traffic.har'],
    text: [
      'From the audit of its egress: times, requests, statuses, sizes and decisions; fields, queries and bodies are not',
      'kept. What was allowed is in it where the manifest says `egress.log: all`.',
    ],
    options: [
      ...MANIFEST,
      STACK,
      { flags: '--since <time>', type: 'text', text: 'ISO 8601, or 10m, 2h', default: 'all that is kept' },
      { flags: '--out <file>', type: 'text', text: 'write it there, readable by you alone' },
    ],
  },
]
