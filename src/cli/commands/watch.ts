/** Keeps live state as the manifest says: applies edits, reports drift, heals it with `--heal`. Quiet when nothing happens. */
import { EXIT, UsageError } from '../../model/errors.ts'
import { systemClock } from '../../watch/clock.ts'
import { watchFiles } from '../../watch/files.ts'
import { startLoop } from '../../watch/loop.ts'
import type { Invocation } from '../grammar/invocation.ts'
import { interruptible } from '../terminal/interrupt.ts'
import { openStack } from '../stack/stack.ts'
import { stamped } from '../terminal/stamped.ts'
import { openWatchRun } from '../apply/watch-run.ts'

export async function run(asked: Invocation): Promise<number> {
  const { io } = asked
  const output = stamped(asked.output, () => io.now())
  const invocation = { ...asked, output }
  const stack = await openStack(invocation)
  if (!stack.loaded) throw new UsageError('watch needs a manifest', { code: 'no-manifest' })
  if (stack.loaded.sources.some(({ file }) => file === '-'))
    throw new UsageError('standard input cannot be watched', {
      code: 'no-manifest',
      hint: 'name a file with -f',
    })
  if (Object.values(stack.loaded.desired.secrets).some(({ from }) => from === 'ask')) {
    throw new UsageError('watch cannot ask for secrets (`?`)', {
      code: 'secret-no-terminal',
      hint: 'name an environment variable, a file or a command instead',
    })
  }
  const interrupt = interruptible(io, (words) => output.note([words]), output.gone)
  const files = watchFiles(
    () => loop.ask('edit'),
    (message) => output.note([`files are not watched any more: ${message}; looking each minute`]),
  )
  const watchRun = openWatchRun(invocation, stack, (paths) => files.follow(paths))
  const loop = startLoop(systemClock, interrupt.soft, (reasons) => watchRun(reasons))
  void follow(async () => {
    for await (const event of stack.driver.events(stack.name, interrupt.soft))
      if (event.what !== '') loop.ask('engine')
  }, interrupt.soft)
  output.note([`watching ${stack.name}; Ctrl-C ends it`])
  await loop.ended
  interrupt.release()
  await files.close()
  return EXIT.done
}

/** Milliseconds before a lost stream of events is opened again; the resync covers what is missed. */
const AGAIN = 5_000

async function follow(stream: () => Promise<void>, signal: AbortSignal): Promise<void> {
  while (!signal.aborted) {
    await stream().catch(() => undefined)
    if (!signal.aborted) await new Promise<void>((wake) => void setTimeout(wake, AGAIN).unref())
  }
}
