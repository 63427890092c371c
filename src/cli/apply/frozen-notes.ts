/** What a plan says of frozen images: which bottle begins from one, which does not any more, and what outlives its bottle. */
import { chosenFrom } from '../../model/frozen.ts'
import type { FrozenImage } from '../../model/frozen.ts'
import type { Action, Plan } from '../../model/plan.ts'
import type { Resource } from '../../model/resource.ts'
import { safeText } from '../../model/text.ts'
import type { BottleSpec } from '../../resources/bottle/spec.ts'
import type { Stack } from '../stack/stack.ts'

export async function frozenNotes(
  { actions }: Plan,
  { driver, name: stack }: Pick<Stack, 'driver' | 'name'>,
): Promise<readonly string[]> {
  const bottles = actions.filter(({ kind, verb }) => kind === 'bottle' && verb !== 'blocked')
  if (!driver.frozen || bottles.length === 0) return []
  const frozen = await driver.frozen(stack)
  return bottles.flatMap((action) => noteOf(action, frozen))
}

function noteOf(action: Action, frozen: readonly FrozenImage[]): readonly string[] {
  const bottle = action.bottle ?? ''
  const own = frozen.filter((image) => image.bottle === bottle)
  const newest = own.at(-1)
  if (newest === undefined) return []
  if (action.verb === 'remove')
    return [
      `${nameOf(newest)} outlives ${bottle}; \`bot-bottle prune --frozen\` removes it once the manifest does not declare ${bottle}`,
    ]
  if (!isMadeAnew(action)) return []
  const { imageDigest } = (action.desired as Resource<BottleSpec>).spec
  const chosen = chosenFrom(own, bottle, imageDigest)
  return [
    chosen
      ? `${bottle} begins from ${nameOf(chosen)}`
      : `${bottle} does not begin from ${nameOf(newest)}: it was made from another image than is declared now`,
  ]
}

const KEEPS: ReadonlySet<string> = new Set(['restart-agent', 'live', 'record', 'next-start'])

/** Also where only a start is planned, of a container that is gone. */
function isMadeAnew({ verb, impact, observed }: Action): boolean {
  return verb !== 'update' || !KEEPS.has(impact) || observed?.fields['imageDigest'] === undefined
}

function nameOf({ reference }: FrozenImage): string {
  return `frozen image ${safeText(reference.slice(reference.lastIndexOf(':') + 1))}`
}
