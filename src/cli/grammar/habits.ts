/** What people type who come from docker, compose, kubectl or terraform, and what it is called here; for hints only. */

const COMMANDS: Readonly<Record<string, string>> = {
  up: 'bot-bottle apply',
  create: 'bot-bottle apply',
  build: 'bot-bottle apply, which builds what is missing',
  pull: 'bot-bottle apply, which pulls what is missing',
  down: 'bot-bottle destroy',
  rm: 'bot-bottle destroy BOTTLE',
  remove: 'bot-bottle destroy BOTTLE',
  delete: 'bot-bottle destroy BOTTLE',
  kill: 'bot-bottle stop BOTTLE',
  restart: 'bot-bottle stop BOTTLE, then bot-bottle start BOTTLE',
  plan: 'bot-bottle diff',
  show: 'bot-bottle explain ADDRESS',
  inspect: 'bot-bottle explain ADDRESS',
  describe: 'bot-bottle explain ADDRESS',
  config: 'bot-bottle validate',
  check: 'bot-bottle validate',
  lint: 'bot-bottle validate',
  ps: 'bot-bottle status',
  ls: 'bot-bottle status',
  list: 'bot-bottle status',
  get: 'bot-bottle status',
  top: 'bot-bottle status',
  stats: 'bot-bottle status',
  events: 'bot-bottle watch',
  import: 'bot-bottle apply --adopt ADDRESS',
  shell: 'bot-bottle exec BOTTLE sh',
  ssh: 'bot-bottle exec BOTTLE sh',
  info: 'bot-bottle doctor',
  new: 'bot-bottle init',
}

const OPTIONS: Readonly<Record<string, string>> = {
  '-v': 'bot-bottle --version',
  '-d': 'apply ends when everything is ready; nothing stays attached',
  '--detach': 'apply ends when everything is ready; nothing stays attached',
  '-n': '--tail LINES',
  '-o': '--output FORM',
  '--auto-approve': '--yes',
  '--dry-run': 'bot-bottle diff shows what would be done',
  '--no-color': 'NO_COLOR=1 in the environment',
  '--verbose': 'BOT_BOTTLE_DEBUG=1 in the environment shows where an error comes from',
  '--debug': 'BOT_BOTTLE_DEBUG=1 in the environment shows where an error comes from',
  '--remove-orphans': 'apply removes what is no longer declared; --no-prune keeps it',
}

/** The hint for `unknown command 'up'` and `unknown option '-n'`; absent: no habit that is known. */
export function habitHint(message: string): string | undefined {
  const [, kind, word = ''] = /^unknown (command|option) '([^' =]+)/.exec(message) ?? []
  const table = kind === 'command' ? COMMANDS : OPTIONS
  return kind !== undefined && Object.hasOwn(table, word) ? table[word] : undefined
}
