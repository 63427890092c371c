/** Removes the local state of a stack, once nothing of it is live. */
import { existsSync } from 'node:fs'
import { rm } from 'node:fs/promises'
import { join } from 'node:path'
import { EXIT, RefusedError, UsageError } from '../../model/errors.ts'
import { isName } from '../../model/names.ts'
import { engineFolder } from '../../state/home.ts'
import { count } from '../../render/words.ts'
import { openDeployKeys } from '../../state/deploy-keys.ts'
import { confirm } from '../terminal/ask.ts'
import type { Invocation } from '../grammar/invocation.ts'
import { withLock } from '../stack/locked.ts'
import { placeOf } from '../stack/place.ts'

export async function run(invocation: Invocation): Promise<number> {
  const { args, options, output } = invocation
  const [name = ''] = args
  if (!isName(name)) throw new UsageError(`\`${name}\` is no name of a stack`, { code: 'bad-name' })
  const place = await placeOf(invocation)
  const { driverName, driver, home } = place
  const stack = { name, ...place }
  const folder = join(home.dir, 'stacks', engineFolder(await driver.engineId()), name)
  if (!existsSync(folder)) {
    output.result([`nothing is kept of stack ${name}`])
    return EXIT.done
  }
  return withLock(invocation, stack, async (lease) => {
    const { state, objects } = await driver.observe(name)
    const ours = objects.filter((object) => object.ownership === 'ours' && object.kind !== 'image')
    if (state.status === 'unreachable' || ours.length > 0) {
      const why =
        state.status === 'unreachable'
          ? `${driverName} cannot be asked: ${state.reason}`
          : `${ours.length} of its objects are live`
      throw new RefusedError(`stack ${name} is not forgotten: ${why}`, {
        code: 'stack-alive',
        hint: `bot-bottle destroy --stack ${name}`,
      })
    }
    const { rows } = openDeployKeys({ home, engineId: lease.engineId, stack: name }).rows()
    if (rows.length > 0)
      throw new RefusedError(
        `stack ${name} is not forgotten: ${count(rows.length, 'deploy key')} of it may be at a forge still`,
        { code: 'stack-alive', hint: `bot-bottle destroy --stack ${name}` },
      )
    if (
      !options.flag('yes') &&
      !(await confirm(invocation, `Remove journal, last applied values and keys of stack ${name}?`))
    ) {
      throw new RefusedError('not confirmed, nothing was removed', {
        code: 'consent-missing',
        hint: 'pass --yes',
      })
    }
    await rm(folder, { recursive: true, force: true })
    output.result([`stack ${name} is forgotten`])
    return EXIT.done
  })
}
