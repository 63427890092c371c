/** Makes an image of what an agent changed outside of its volumes, and says what is not in it. */
import { DriverError, EXIT, RefusedError, UsageError } from '../../model/errors.ts'
import { canaryOf, PLACEHOLDER } from '../../manifest/marks.ts'
import type { FrozenMark } from '../../ports/driver.ts'
import { frozenLines } from '../../render/frozen.ts'
import { canAsk, confirm } from '../terminal/ask.ts'
import { theseLive } from '../stack/bottle.ts'
import { derivedFrom } from '../secrets/digest-key.ts'
import { interruptible } from '../terminal/interrupt.ts'
import type { Invocation } from '../grammar/invocation.ts'
import { withLock } from '../stack/locked.ts'
import { programState } from '../program/program.ts'
import { openStack } from '../stack/stack.ts'
import type { Stack } from '../stack/stack.ts'

/** Of an image's name on an engine. */
const TAG = /^[a-z0-9][a-z0-9._-]{0,62}$/

export async function run(invocation: Invocation): Promise<number> {
  const { args, options, io, output } = invocation
  const tag = options.text('tag') ?? timeTag(io.now())
  if (!TAG.test(tag))
    throw new UsageError(`--tag takes small letters, digits, \`.\`, \`_\` and \`-\`, not \`${tag}\``, {
      code: 'bad-option',
    })
  const stack = await openStack(invocation)
  const [bottle = ''] = await theseLive(stack, args)
  return withLock(invocation, stack, async (lease) => {
    const actuator = stack.driver.actuator(lease)
    if (!actuator.freeze)
      throw new DriverError(`driver ${stack.driverName} freezes no bottles`, {
        code: 'not-supported-yet',
        hint: 'driver: docker',
      })
    const state = await programState({ name: bottle, stack: stack.name, driver: stack.driver }).catch(
      () => undefined,
    )
    if (state === 'running') await requireConsent(invocation, bottle)
    output.note([`making an image of ${bottle}, which is halted meanwhile`])
    const interrupt = interruptible(io, () => output.note(['stopping: the bottle goes on as it was']))
    try {
      const frozen = await actuator.freeze(bottle, { tag, marks: marksOf(stack, bottle) }, interrupt.soft)
      output.result(frozenLines(bottle, frozen, state !== undefined))
      return EXIT.done
    } finally {
      interrupt.release()
    }
  })
}

/** `20261122-001625`, in UTC. */
function timeTag(now: number): string {
  return new Date(now).toISOString().slice(0, 19).replaceAll(/[-:]/g, '').replace('T', '-')
}

/** Every placeholder, whoever's it is; the canary; and what the provider makes of a placeholder, where a manifest is read. */
function marksOf(stack: Stack, bottle: string): readonly FrozenMark[] {
  const canary = canaryOf(derivedFrom(stack.home), stack.name, bottle, new Set())
  const texts = [canary.value, ...Object.values(stack.loaded?.marks(bottle)?.placeholders ?? {})]
  return [
    { begin: PLACEHOLDER.begin, length: PLACEHOLDER.begin.length + PLACEHOLDER.digits },
    ...texts.map((begin) => ({ begin, length: Buffer.byteLength(begin) })),
  ]
}

async function requireConsent(invocation: Invocation, bottle: string): Promise<void> {
  if (invocation.options.flag('yes')) return
  if (!canAsk(invocation))
    throw new RefusedError(
      `this ends the agent that works in ${bottle}, and there is no terminal to ask on`,
      {
        code: 'consent-missing',
        hint: 'pass --yes',
      },
    )
  if (await confirm(invocation, `The agent that works in ${bottle} is ended for it. Go on?`)) return
  throw new RefusedError('not confirmed, nothing was done', { code: 'consent-missing' })
}
