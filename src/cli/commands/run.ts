/** Starts a bottle's agent here, or attaches to it; brings the bottle in sync first, as `apply` would. */
import { EXIT, UsageError } from '../../model/errors.ts'
import { bringInSync } from '../apply/bring-in-sync.ts'
import { openBottle } from '../stack/bottle.ts'
import { headless } from '../program/headless.ts'
import { providerProgram } from '../program/program.ts'
import type { Invocation } from '../grammar/invocation.ts'
import { asProgram } from '../program/program-exit.ts'
import { startHere } from '../program/start-here.ts'

export async function run(invocation: Invocation): Promise<number> {
  return asProgram(invocation, async () => {
    const { args, options } = invocation
    const [name = '', ...rest] = args
    const extra = rest[0] === '--' ? rest.slice(1) : rest
    checkOrder(name, rest)
    checkHeadless(invocation)
    const synced = await bringInSync({ ...invocation, args: [name] })
    if (synced !== EXIT.done) return synced
    const bottle = await openBottle(invocation, name)
    if (options.flag('headless')) return headless(invocation, bottle, extra)
    return startHere(invocation, bottle, extra, providerProgram)
  })
}

/** What stands behind BOTTLE is the program's: an option of ours would reach it unnoticed. */
function checkOrder(name: string, rest: readonly string[]): void {
  const ours = rest.slice(0, rest.includes('--') ? rest.indexOf('--') : undefined)
  const misplaced = ours.find((word) => word === '--headless' || word === '--prompt')
  if (misplaced !== undefined)
    throw new UsageError(`${misplaced} stands behind the bottle, where everything is for its agent`, {
      code: 'bad-option',
      hint: `bot-bottle run --headless --prompt 'TASK' ${name}`,
    })
}

function checkHeadless({ options }: Invocation): void {
  const headlessOnly = ['prompt', 'timeout', 'output'] as const
  if (options.flag('headless')) {
    if (options.text('prompt') === undefined)
      throw new UsageError('--headless needs --prompt', {
        code: 'missing-argument',
        hint: "bot-bottle run --headless --prompt 'TASK' BOTTLE",
      })
    return
  }
  const lone = headlessOnly.find(
    (option) => (option === 'timeout' ? options.number(option) : options.text(option)) !== undefined,
  )
  if (lone !== undefined)
    throw new UsageError(`--${lone} goes with --headless`, {
      code: 'bad-option',
      hint: "bot-bottle run --headless --prompt 'TASK' BOTTLE",
    })
}
