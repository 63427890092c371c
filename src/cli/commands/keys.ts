/**
 * Deploy keys of a stack as forges list them; `keys revoke ID` for one that nobody else takes away, `keys forget ID` for
 * one of which no forge can say any more that it is gone.
 */
import { EXIT, RefusedError, UsageError } from '../../model/errors.ts'
import { parseKeyTitle } from '../../model/deploy-key.ts'
import { safeText } from '../../model/text.ts'
import type { DeployKey } from '../../ports/forge.ts'
import type { ForgeLook, KeysLook } from '../../reconcile/snapshot-git.ts'
import { keyTable } from '../../render/keys.ts'
import { safeJson } from '../../render/safe-json.ts'
import { openDeployKeys } from '../../state/deploy-keys.ts'
import { canAsk, confirm } from '../terminal/ask.ts'
import { forgetKey, forgetQuestion, forgettable } from '../secrets/forget-key.ts'
import type { Invocation } from '../grammar/invocation.ts'
import { dialectsWith } from '../stack/forges.ts'
import { lookAtKeys, openForgeAt } from '../secrets/key-look.ts'
import { keyLines } from '../secrets/key-list.ts'
import { keyNotes } from '../secrets/key-notes.ts'
import { withLock } from '../stack/locked.ts'
import { openStack } from '../stack/stack.ts'
import type { Stack } from '../stack/stack.ts'

export async function run(invocation: Invocation): Promise<number> {
  const { args } = invocation
  const stack = await openStack(invocation)
  const [verb, id, ...more] = args
  if (verb === undefined) return list(stack, invocation)
  if (verb === 'revoke' && id !== undefined && more.length === 0) return revoke(stack, id, invocation)
  if (verb === 'forget' && id !== undefined && more.length === 0) return forget(stack, id, invocation)
  throw new UsageError(`\`keys ${args.join(' ')}\` is not a command`, {
    code: 'bad-option',
    hint: 'bot-bottle keys, bot-bottle keys revoke ID, or bot-bottle keys forget ID',
  })
}

async function list(stack: Stack, { options, output, io }: Invocation): Promise<number> {
  const look = await lookAt(stack, { io })
  const now = new Date(io.now()).toISOString()
  const lines = look ? keyLines({ look, declared: stack.loaded?.desired.resources, now }) : []
  const shown = options.flag('all') ? lines : lines.filter(({ whose }) => whose === 'ours')
  const others = lines.length - shown.length
  output.result(
    options.text('output') === 'json'
      ? safeJson({ version: 1, stack: stack.name, keys: shown }, 2).split('\n')
      : keyTable(shown, { now, others, notes: look ? keyNotes(look) : [] }, output.style),
  )
  return EXIT.done
}

async function lookAt(stack: Stack, { io }: Pick<Invocation, 'io'>): Promise<KeysLook | undefined> {
  const observation = await stack.driver.observe(stack.name)
  const { uplink } = observation
  return lookAtKeys({
    stack,
    engineId: observation.engineId ?? (await stack.driver.engineId()),
    resources: stack.loaded?.desired.resources ?? [],
    record: uplink && 'status' in uplink ? uplink.status.record : undefined,
    io,
  })
}

async function revoke(stack: Stack, id: string, invocation: Invocation): Promise<number> {
  const { io, output } = invocation
  return withLock(invocation, stack, async ({ engineId }) => {
    const found = withId(await lookAt(stack, { io }), id)
    if (!found)
      throw new UsageError(`no forge that can be asked lists a key with the id \`${id}\``, {
        code: 'unknown-key',
        hint: 'bot-bottle keys --all',
      })
    const { forge: at, key } = found
    const words = `Revoke ${safeText(key.title)} at ${safeText(at.api)} (${safeText(at.repository)})?`
    await consent(invocation, words, 'revoked')
    const keys = openDeployKeys({ home: stack.home, engineId, stack: stack.name })
    const row = keys.rows().rows.find(({ fingerprint }) => fingerprint === key.fingerprint)
    if (row) keys.retire(row.id, new Date(io.now()).toISOString())
    const trust = stack.loaded?.trust ?? row?.trust ?? []
    const forge = await openForgeAt({ ...at, trust }, io, dialectsWith(stack.home.dir))
    await forge.revoke(at.repository, key, new AbortController().signal)
    if (row) keys.forget(row.id)
    output.result([`revoked at ${safeText(at.api)}: ${safeText(key.title)}`])
    return EXIT.done
  })
}

async function forget(stack: Stack, id: string, invocation: Invocation): Promise<number> {
  const { io, output } = invocation
  return withLock(invocation, stack, async (lease) => {
    const row = forgettable(await lookAt(stack, { io }), id)
    await consent(invocation, forgetQuestion(row), 'forgotten')
    forgetKey(stack, lease, row, io)
    output.result([`forgotten here, not revoked: ${safeText(row.title)} ${row.fingerprint}`])
    return EXIT.done
  })
}

async function consent(invocation: Invocation, question: string, done: string): Promise<void> {
  if (invocation.options.flag('yes') || (canAsk(invocation) && (await confirm(invocation, question)))) return
  throw new RefusedError(`not confirmed, nothing was ${done}`, {
    code: 'consent-missing',
    hint: 'pass --yes',
  })
}

function withId(
  look: KeysLook | undefined,
  id: string,
): { readonly forge: ForgeLook; readonly key: DeployKey } | undefined {
  for (const forge of look?.forges ?? []) {
    if (!forge.answer || 'unknown' in forge.answer) continue
    const key = forge.answer.keys.find(({ title }) => parseKeyTitle(title)?.id === id)
    if (key) return { forge, key }
  }
  return undefined
}
