/**
 * The dialect of a forge that somebody else wrote: the one place where what a plug-in exports, and whatever it answers
 * later, becomes a `ForgeDialect`. It says what is sent and reads what comes; it is handed no connection, no file and
 * no token but its own. What it says cannot lead a request away from below the API's URL.
 */
import { members } from '../model/answer.ts'
import { DialectFault } from '../model/forge-error.ts'
import type { ListedKey } from '../model/listed-key.ts'
import { repositorySteps } from '../model/repository-name.ts'
import { safeText } from '../model/text.ts'
import type { ForgeDialect } from '../ports/forge.ts'

const FUNCTIONS = ['headers', 'keysPath', 'page', 'creation', 'readKey', 'words', 'isDuplicate'] as const
type Said = (typeof FUNCTIONS)[number]
const MEMBERS: readonly string[] = [...FUNCTIONS, 'tokenNeeds', 'linksPages']

/** `unusable`: why, in words. */
export function dialectOf(provider: string, exported: unknown): ForgeDialect | { readonly unusable: string } {
  const given = members(exported)
  const { tokenNeeds, linksPages } = given
  const wrong = [
    ...FUNCTIONS.filter((name) => typeof given[name] !== 'function').map(
      (name) => `\`${name}\` is no function`,
    ),
    ...(isLine(tokenNeeds) ? [] : ['`tokenNeeds` is no line of text']),
    ...(typeof linksPages === 'boolean' ? [] : ['`linksPages` is not true or false']),
    ...Object.keys(given)
      .filter((name) => !MEMBERS.includes(name))
      .map((name) => `\`${safeText(name, 40)}\` is not known`),
  ]
  if (wrong.length > 0 || !isLine(tokenNeeds)) return { unusable: wrong.join(', ') }
  const said = (name: Said, ...given: readonly unknown[]): unknown => call(exported, name, given)

  /** Before anything was sent. */
  function needed<T>(name: Said, read: (value: unknown) => T | undefined, ...given: readonly unknown[]): T {
    let why = 'its answer has not the form that it must have'
    try {
      const value = read(said(name, ...given))
      if (value !== undefined) return value
    } catch (thrown) {
      // Whoever was given the token may say it.
      if (name !== 'headers' && thrown instanceof Error) why = safeText(thrown.message, 200)
    }
    throw new DialectFault(`the plug-in ${provider} does not say what to send (\`${name}\`): ${why}`)
  }

  /** Of an answer: nothing that it cannot be read to say is taken from it. */
  function understood<T>(name: Said, read: (value: unknown) => T | undefined, ...given: readonly unknown[]) {
    try {
      return read(said(name, ...given))
    } catch {
      return undefined
    }
  }

  return {
    provider,
    tokenNeeds,
    linksPages: linksPages === true,
    headers: (token) => needed('headers', headers, token),
    keysPath(repository) {
      if (repositorySteps(repository) === undefined) return undefined
      const path = needed('keysPath', (value) => (value === undefined ? NONE : pathBelow(value)), repository)
      return path === NONE ? undefined : path
    },
    page: (page) => needed('page', query, page),
    creation: (key) => needed('creation', body, key),
    readKey: (value) => understood('readKey', listed, value),
    words: (value) => understood('words', text, value),
    isDuplicate: (status, words) => understood('isDuplicate', flag, status, words) ?? false,
  }
}

/** What `keysPath` says of a text that is no name of a repository. */
const NONE = ''

function call(exported: unknown, name: Said, given: readonly unknown[]): unknown {
  const method = members(exported)[name]
  if (typeof method !== 'function') throw new TypeError('it is no function')
  return Reflect.apply(method, exported, given)
}

const isLine = (value: unknown): value is string =>
  typeof value === 'string' && /^[^\p{Cc}]{1,200}$/u.test(value)

const text = (value: unknown): string | undefined => (typeof value === 'string' ? value : undefined)
const flag = (value: unknown): boolean | undefined => (typeof value === 'boolean' ? value : undefined)

/** Those that say where a request ends and whom it is for are ours. */
const OURS = /^(?:host|connection|content-length|content-type|transfer-encoding|upgrade|te|trailer|expect)$/

function headers(value: unknown): Readonly<Record<string, string>> | undefined {
  const each = Object.entries(members(value))
  const wellFormed = each.filter(
    (pair): pair is [string, string] =>
      /^[a-z0-9-]{1,64}$/.test(pair[0]) &&
      !OURS.test(pair[0]) &&
      typeof pair[1] === 'string' &&
      /^[\x20-\x7e]{1,8192}$/.test(pair[1]),
  )
  return each.length > 0 && wellFormed.length === each.length ? Object.fromEntries(wellFormed) : undefined
}

/** No step of it leads up, in whatever spelling. */
function pathBelow(value: unknown): string | undefined {
  if (typeof value !== 'string' || !/^(?:\/[\w.~!$&'()*+,;=:@%-]+)+$/.test(value)) return undefined
  const up = value.split('/').some((step) => /^(?:\.|%2e){1,2}$/i.test(step))
  return up || /%(?![0-9a-f]{2})/i.test(value) ? undefined : value
}

const query = (value: unknown): string | undefined =>
  typeof value === 'string' && /^[\w.~&=%-]{1,200}$/.test(value) ? value : undefined

function body(value: unknown): Readonly<Record<string, string | boolean>> | undefined {
  const each = Object.entries(members(value))
  const plain = each.filter(
    (pair): pair is [string, string | boolean] => typeof pair[1] === 'string' || typeof pair[1] === 'boolean',
  )
  return each.length > 0 && plain.length === each.length ? Object.fromEntries(plain) : undefined
}

/** The id is a step of a path. */
function listed(value: unknown): ListedKey | undefined {
  const { forgeId, title, publicKey, readOnly, createdAt, lastUsedAt } = members(value)
  if (typeof forgeId !== 'string' || !/^(?!\.{1,2}$)[\w.:=-]{1,200}$/.test(forgeId)) return undefined
  if (typeof title !== 'string' || typeof publicKey !== 'string' || typeof readOnly !== 'boolean')
    return undefined
  return {
    forgeId,
    title,
    publicKey,
    readOnly,
    ...(isTime(createdAt) && { createdAt: new Date(createdAt).toISOString() }),
    ...(isTime(lastUsedAt) && { lastUsedAt: new Date(lastUsedAt).toISOString() }),
  }
}

const isTime = (value: unknown): value is string =>
  typeof value === 'string' && !Number.isNaN(Date.parse(value))
