/** A program in a bottle, as `docker exec`: streams, terminal, signals and exit code pass through. */
import { UsageError } from '../../model/errors.ts'
import { withBottle } from '../stack/bottle.ts'
import type { Invocation } from '../grammar/invocation.ts'
import { asProgram } from '../program/program-exit.ts'
import { bind, windowOf } from '../terminal/terminal.ts'

export async function run(invocation: Invocation): Promise<number> {
  return asProgram(invocation, async () => {
    const { args, options, io } = invocation
    const [name = '', ...rest] = args
    const argv = rest[0] === '--' ? rest.slice(1) : rest
    if (argv.length === 0)
      throw new UsageError('exec needs a command', {
        code: 'missing-argument',
        hint: `bot-bottle exec ${name} sh`,
      })
    if (rest[0] !== '--' && argv[0]?.startsWith('-') === true)
      throw new UsageError(
        `options of exec stand before the bottle's name: \`${argv[0]}\` stands behind it`,
        {
          code: 'bad-option',
          hint: `bot-bottle exec ${argv[0]} … ${name} COMMAND`,
        },
      )
    const window = options.off('tty')
      ? undefined
      : (windowOf(io) ?? (options.flag('tty') ? { rows: 24, columns: 80 } : undefined))
    const user = options.text('user')
    const request = {
      argv,
      env: { ...(window && { TERM: io.env['TERM'] ?? 'xterm' }), ...variables(options.list('env'), io.env) },
      cwd: options.text('workdir') ?? '/workspace',
      ...(user !== undefined && { user: numericUser(user) }),
      ...(window && { tty: window }),
    }
    const execution = await withBottle(invocation, name, (bottle) =>
      bottle.driver.exec(bottle.stack, bottle.name, request),
    )
    return bind(execution, { io, tty: window !== undefined })
  })
}

function variables(
  pairs: readonly string[],
  env: Readonly<Record<string, string | undefined>>,
): Record<string, string> {
  const found: Record<string, string> = {}
  for (const pair of pairs) {
    const [, name, value] = /^([A-Za-z_][A-Za-z0-9_]*)(?:=(.*))?$/s.exec(pair) ?? []
    if (name === undefined)
      throw new UsageError(`--env takes NAME=VALUE, not \`${pair.split('=', 1)[0] ?? ''}\``, {
        code: 'bad-option',
      })
    const said = value ?? env[name]
    if (said !== undefined) found[name] = said
  }
  return found
}

function numericUser(text: string): string {
  if (/^\d{1,9}(:\d{1,9})?$/.test(text)) return text.includes(':') ? text : `${text}:${text}`
  throw new UsageError(`--user takes uid:gid in digits, not \`${text}\``, { code: 'bad-option' })
}
