/**
 * The port of a forge over a REST API, in the words of a dialect. What is promised in `src/ports/forge.ts` is kept here
 * for all of them: whole lists, absence only as the forge listed it, effects that can be repeated and are read back.
 */
import { ForgeError } from '../../model/forge-error.ts'
import { sshFingerprint } from '../../model/ssh-key.ts'
import { safeText } from '../../model/text.ts'
import type { DeployKey, Forge, ForgeAccess, ForgeDialect, NewDeployKey, SeenKey } from '../../ports/forge.ts'
import { openCalls } from './calls.ts'
import type { Called } from './calls.ts'
import { failed, saidFor, unknownShape } from './failures.ts'
import type { Operation } from './failures.ts'
import { listWhole } from './list.ts'

export function openForge(dialect: ForgeDialect, access: ForgeAccess): Forge {
  const { provider } = dialect
  const call = openCalls(dialect, access)
  const { api, tokenName } = access
  const operation = (repository: string, what: string): Operation => ({
    api,
    tokenName,
    tokenNeeds: dialect.tokenNeeds,
    repository,
    what,
  })
  const list = (doing: Operation, signal: AbortSignal) =>
    listWhole(doing, dialect.linksPages, async (page) => {
      const path = `${keysPath(dialect, doing)}?${saidFor(doing, () => dialect.page(page))}`
      return readPage(dialect, doing, await call(doing, { method: 'GET', path }, signal))
    })

  async function create(repository: string, key: NewDeployKey, signal: AbortSignal): Promise<DeployKey> {
    const doing = operation(repository, 'make a deploy key for')
    const fingerprint = sshFingerprint(key.publicKey)
    const held = async () => (await list(doing, signal)).find((found) => found.fingerprint === fingerprint)
    const before = await held()
    if (before !== undefined) return sameAccess(doing, key, before)
    const path = keysPath(dialect, doing)
    const body = saidFor(doing, () => dialect.creation(key))
    const answer = await call(doing, { method: 'POST', path, body }, signal)
    if ('refusal' in answer) {
      // Another try of ours may have arrived meanwhile.
      const there = await held()
      if (there !== undefined) return sameAccess(doing, key, there)
      throw dialect.isDuplicate(answer.status, answer.words ?? '')
        ? inUse(doing, answer.words)
        : answer.refusal
    }
    const made = readOne(dialect, doing, answer.json)
    if (made.fingerprint !== fingerprint)
      throw unknownShape(doing, 'it answers with another key than it was given', true)
    if (made.readOnly === key.readOnly) return made
    await behindEffect(revoke(repository, made, signal))
    throw failed(
      doing,
      `it made a key that ${may(made)} where one that ${may(key)} was asked for; the key is revoked`,
      {
        code: 'forge-setting-ignored',
        fate: 'refused',
        hint: 'the forge, or a rule there, does not allow such keys: see its settings, or change `read_only`',
      },
    )
  }

  async function revoke(repository: string, key: SeenKey, signal: AbortSignal): Promise<void> {
    const doing = operation(repository, `revoke deploy key ${safeText(key.forgeId, 40)} of`)
    const held = async () => (await list(doing, signal)).find(({ forgeId }) => forgeId === key.forgeId)
    const found = await held()
    if (found === undefined) return
    if (found.fingerprint !== key.fingerprint)
      throw failed(doing, `it is another key by now (${found.fingerprint ?? 'unreadable'})`, {
        code: 'forge-key-changed',
        fate: 'refused',
        hint: 'look at the key at the forge; `bot-bottle diff` reads the list anew',
      })
    const path = `${keysPath(dialect, doing)}/${encodeURIComponent(key.forgeId)}`
    const answer = await call(doing, { method: 'DELETE', path }, signal)
    if ('refusal' in answer && answer.status !== 404) throw answer.refusal
    if ((await behindEffect(held())) === undefined) return
    throw failed(doing, `it answered ${answer.status} and lists the key still`, {
      code: 'forge-not-revoked',
      fate: 'unknown',
      transient: !('refusal' in answer),
      hint: `${tokenName} needs ${dialect.tokenNeeds}; or remove the key by hand in the settings of the repository`,
    })
  }

  return {
    provider,
    api,
    create,
    revoke,
    list: (repository, signal) => list(operation(repository, 'list the deploy keys of'), signal),
    async find(repository, fingerprint, signal) {
      const keys = await list(operation(repository, 'list the deploy keys of'), signal)
      return keys.find((key) => key.fingerprint === fingerprint)
    },
  }
}

/** Whatever fails from here on, something was changed before. */
async function behindEffect<T>(work: Promise<T>): Promise<T> {
  try {
    return await work
  } catch (error) {
    throw error instanceof ForgeError ? error.afterEffect() : error
  }
}

function keysPath(dialect: ForgeDialect, doing: Operation): string {
  const path = saidFor(doing, () => dialect.keysPath(doing.repository))
  if (path !== undefined) return path
  throw failed(doing, `that is no name of a repository at ${dialect.provider}`, {
    code: 'forge-repository-name',
    fate: 'unsent',
    hint: 'write `repo: OWNER/NAME` (at GitLab GROUP/…/NAME) under `provisioned_key`',
  })
}

function sameAccess(doing: Operation, key: NewDeployKey, found: DeployKey): DeployKey {
  if (found.readOnly === key.readOnly) return found
  throw failed(doing, `the key is there and ${may(found)}; one that ${may(key)} was asked for`, {
    code: 'forge-access-differs',
    fate: 'refused',
    hint: 'deploy keys are not changed but made anew: revoke it, then `bot-bottle apply`',
  })
}

function inUse(doing: Operation, words: string | undefined) {
  return failed(
    doing,
    `the key or its title is taken elsewhere at the forge: ${safeText(words ?? '', 200)}`,
    {
      code: 'forge-key-in-use',
      fate: 'refused',
      hint: '`bot-bottle apply` again: it makes another pair',
    },
  )
}

const may = ({ readOnly }: { readonly readOnly: boolean }): string =>
  readOnly ? 'may only fetch' : 'may fetch and push'

function readPage(dialect: ForgeDialect, doing: Operation, called: Called) {
  if ('refusal' in called) throw called.refusal
  if (!Array.isArray(called.json)) throw unknownShape(doing, 'its list of keys is none', false)
  const keys = called.json.map((item: unknown) => readOne(dialect, doing, item, false))
  return { keys, headers: called.headers }
}

function readOne(dialect: ForgeDialect, doing: Operation, value: unknown, writing = true): DeployKey {
  const listed = dialect.readKey(value)
  if (listed === undefined)
    throw unknownShape(doing, 'it answers with a deploy key in a shape that is not known', writing)
  const { publicKey, title, ...rest } = listed
  const fingerprint = sshFingerprint(publicKey)
  return { ...rest, title: safeText(title), ...(fingerprint !== undefined && { fingerprint }) }
}
