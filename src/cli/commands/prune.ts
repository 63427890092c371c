/**
 * Removes what this program made on an engine and nobody uses any more: older images, stages of builds, helpers, frozen
 * images where that is asked for, and what is left of stacks that are not recorded. What a manifest here declares, what
 * any stack applied last and what a container of anybody uses stays.
 */
import { rm } from 'node:fs/promises'
import { join } from 'node:path'
import { DriverError, ensureError, EXIT, RefusedError, UsageError } from '../../model/errors.ts'
import type { Unused } from '../../ports/driver.ts'
import { prunableLines, prunedLine } from '../../render/unused.ts'
import { safeJson } from '../../render/safe-json.ts'
import { safeText } from '../../model/text.ts'
import { engineFolder } from '../../state/home.ts'
import { carryOut } from '../apply/carry-out.ts'
import { nothingDesired, planOptions } from '../apply/planning.ts'
import type { Invocation } from '../grammar/invocation.ts'
import { isLeft, leftoverStacks } from '../stack/leftover-stacks.ts'
import { recordedOn, tagsIn } from '../stack/recorded.ts'
import { placeOf } from '../stack/place.ts'
import type { Place } from '../stack/place.ts'
import { openStackOrNone } from '../stack/stack.ts'
import type { Stack } from '../stack/stack.ts'
import { canAsk, confirm } from '../terminal/ask.ts'

export async function run(invocation: Invocation): Promise<number> {
  const { options, output, io } = invocation
  const isJson = options.text('output') === 'json'
  if (isJson && !options.flag('dryRun'))
    throw new UsageError('--output json goes with --dry-run', { code: 'bad-option' })
  const stack = await openStackOrNone(invocation)
  const place = stack ?? (await placeOf(invocation))
  const { driver } = place
  if (!driver.unused || !driver.removeUnused)
    throw new DriverError(`driver ${place.driverName} leaves nothing to prune`, {
      code: 'not-supported-yet',
      hint: 'driver: docker',
    })
  const engineId = await driver.engineId()
  const { bottles = [], resources = [] } = stack?.loaded?.desired ?? {}
  const recorded = recordedOn(place.home, engineId, () => new Date(io.now()).toISOString())
  const declared = resources.filter(({ kind }) => kind === 'image').flatMap(({ spec }) => tagsIn(spec))
  const [unused, stacks] = await Promise.all([
    driver.unused({
      images: new Set([...recorded.images, ...declared]),
      bottles: new Set([...recorded.bottles, ...bottles.map((bottle) => `${stack?.name ?? ''}/${bottle}`)]),
      frozen: options.flag('frozen'),
    }),
    leftoverStacks(driver, new Set([...recorded.stacks, ...(stack ? [stack.name] : [])])),
  ])
  if (isJson) output.result(safeJson({ version: 1, unused, stacks }, 2).split('\n'))
  else if (unused.length + stacks.length === 0) output.result(['nothing to remove'])
  else output.result(prunableLines({ unused, stacks }, io.now(), output.style))
  if (unused.length + stacks.length === 0 || options.flag('dryRun')) return EXIT.done
  await requireConsent(invocation, unused.length + stacks.length)
  const removed = await removeAll(driver.removeUnused.bind(driver), unused, invocation)
  const gone = await removeStacks(place, engineId, stacks, invocation)
  output.note([prunedLine(removed, gone)])
  return removed.length === unused.length && gone === stacks.length ? EXIT.done : EXIT.failed
}

async function requireConsent(invocation: Invocation, things: number): Promise<void> {
  if (invocation.options.flag('yes')) return
  if (!canAsk(invocation))
    throw new RefusedError('there is no terminal to ask on, nothing was removed', {
      code: 'consent-missing',
      hint: 'pass --yes, or --dry-run to look only',
    })
  if (await confirm(invocation, `Remove ${things === 1 ? 'it' : `these ${things}`}?`)) return
  throw new RefusedError('not confirmed, nothing was removed', { code: 'consent-missing' })
}

/** What cannot be removed is said and stays; the rest goes on. */
async function removeAll(
  remove: (unused: Unused) => Promise<void>,
  unused: readonly Unused[],
  { output }: Invocation,
): Promise<readonly Unused[]> {
  const removed: Unused[] = []
  for (const one of unused)
    await remove(one).then(
      () => removed.push(one),
      (thrown: unknown) =>
        output.note([`${safeText(one.names[0] ?? '')} stays: ${ensureError(thrown).message}`]),
    )
  return removed
}

/** As `destroy` removes them; what the lock needs goes with the stack. */
async function removeStacks(
  place: Place,
  engineId: string,
  stacks: readonly { readonly name: string }[],
  invocation: Invocation,
): Promise<number> {
  let gone = 0
  for (const { name } of stacks) {
    const exit = await removeStack(invocation, { ...place, name }).catch((thrown: unknown) => {
      const error = ensureError(thrown)
      if (error.exit === EXIT.interrupted) throw error
      invocation.output.note([`what is left of stack ${safeText(name)} stays: ${error.message}`])
    })
    if (exit === undefined) continue
    // Also where it failed: with what this run noted there the rest would count as recorded.
    await rm(join(place.home.dir, 'stacks', engineFolder(engineId), name), { recursive: true, force: true })
    if (exit === EXIT.interrupted) break
    if (exit === EXIT.done) gone += 1
  }
  return gone
}

/** Another run may have gone on with it since it was shown: then it is no leftover. */
function removeStack(invocation: Invocation, stack: Stack): Promise<number> {
  const { name } = stack
  return carryOut(invocation, stack, {
    desired: nothingDesired(name, ''),
    options: { ...planOptions(invocation.options, undefined), prune: true, allowEmpty: true },
    agreed: true,
    check: (_plan, { observation }) => {
      if (!isLeft(observation))
        throw new RefusedError('it is in use again', {
          code: 'stack-alive',
          hint: `bot-bottle destroy --stack ${name}`,
        })
    },
    showPlan: false,
    reason: 'not recorded any more',
    view: { did: 'removed', afterwards: `nothing of stack ${name} is left`, again: 'bot-bottle prune' },
  })
}
