/**
 * What the git of every program in a bottle is told: who commits, and that a declared upstream, however its URL is
 * spelled, is the gate's remote on loopback. Pure; the same on every driver.
 */
import { DOORS } from '../../model/names.ts'
import type { Action } from '../../model/plan.ts'
import { changesAlone } from './alone.ts'

export interface GuestGit {
  readonly user?: { readonly name?: string; readonly email?: string }
  /** By name. */
  readonly remotes: Readonly<Record<string, UpstreamUrls>>
}

export interface UpstreamUrls {
  /** `ssh://git@gitea.acme.example:2222/acme/app.git`, as `sshUrlText` spells it. */
  readonly url: string
  /** What stands before `owner/name` where the forge is reached over HTTP, beside `https://HOST/`. */
  readonly web?: readonly string[]
}

/** What is read anew by each git needs nothing else done again. */
export function changesGitAlone(action: Pick<Action, 'kind' | 'verb' | 'differences'>): boolean {
  return changesAlone('git', action)
}

export function remoteAtGate(name: string): string {
  return `http://127.0.0.1:${DOORS.git}/${name}.git`
}

/** The whole file; a declaration of nothing is a file that says nothing. */
export function gitConfig({ user = {}, remotes }: GuestGit): string {
  const upstreams = Object.entries(remotes).sort(([a], [b]) => (a < b ? -1 : 1))
  const own = new Set(upstreams.flatMap(([, urls]) => spellingsOf(urls)))
  const [name, email] = [user.name, user.email]
  return [
    '# Written by bot-bottle; what is changed here is put back.',
    ...(name !== undefined || email !== undefined ? ['[user]'] : []),
    ...(name === undefined ? [] : [`\tname = ${quoted(name)}`]),
    ...(email === undefined ? [] : [`\temail = ${quoted(email)}`]),
    // The gate is asked directly, also where somebody takes NO_PROXY away.
    ...(upstreams.length > 0 ? [`[http "http://127.0.0.1:${DOORS.git}/"]`, '\tproxy = ""'] : []),
    ...(upstreams.length > 0 ? rewriting(`http://127.0.0.1:${DOORS.git}/`, OVER_SSH) : []),
    ...upstreams.flatMap(([remote, urls]) => rewriting(remoteAtGate(remote), spellingsOf(urls))),
    ...upstreams
      .flatMap(([, urls]) => neighboursOf(urls))
      .filter((neighbour) => !own.has(neighbour))
      .flatMap((neighbour) => rewriting(neighbour, [neighbour])),
    '',
  ].join('\n')
}

/** What no remote is goes to the gate as well, which refuses it in words: ssh itself would not even find its user. */
const OVER_SSH = ['ssh://', 'git@']

/** Every usual way to write the upstream, each with `.git` and without. */
export function spellingsOf(urls: UpstreamUrls): readonly string[] {
  const { username, hostname, port, pathname } = new URL(urls.url)
  const at = `${username}@${hostname}`
  const usual = port === '' || port === '22'
  const before = [`ssh://${at}:${port || 22}/`, ...(usual ? [`ssh://${at}/`, `${at}:`, `${at}:/`] : [])]
  return [...before.map((prefix) => `${prefix}${repositoryOf(pathname)}`), ...webOf(urls)].flatMap(ends)
}

function webOf({ url, web = [] }: UpstreamUrls): readonly string[] {
  const { hostname, pathname } = new URL(url)
  return [`https://${hostname}/`, ...web].map((prefix) => `${prefix}${repositoryOf(pathname)}`)
}

/**
 * Git compares beginnings, and the longest one wins: without these, `acme/app` over HTTPS would take `acme/app-docs`
 * along, which may have a route of its own. Over SSH nothing else can be reached: what is taken along there is
 * refused by the gate, in words.
 */
function neighboursOf(urls: UpstreamUrls): readonly string[] {
  return webOf(urls)
    .flatMap(ends)
    .flatMap((end) => [...CHARACTERS].map((next) => `${end}${next}`))
}

/** What a name at a forge can go on with. */
const CHARACTERS = 'abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-._~+%'

function ends(stem: string): readonly string[] {
  return [stem, `${stem}.git`]
}

function repositoryOf(path: string): string {
  return path
    .replace(/^\/+/, '')
    .replace(/\/+$/, '')
    .replace(/\.git$/, '')
}

/** Pushing too: a rule for pushes alone, in an image or of the agent's own, would go before the other. */
function rewriting(base: string, spellings: readonly string[]): readonly string[] {
  return [
    `[url ${quoted(base)}]`,
    ...spellings.flatMap((spelling) =>
      ['insteadOf', 'pushInsteadOf'].map((key) => `\t${key} = ${quoted(spelling)}`),
    ),
  ]
}

function quoted(text: string): string {
  return `"${text.replaceAll('\\', '\\\\').replaceAll('"', '\\"')}"`
}
