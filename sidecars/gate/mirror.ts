/**
 * What the upstream has, as of a refresh that began after it was asked for. The mirror is disposable: it is made anew
 * at the start of the gate and after a refresh that was cut off, and only a refresh, or a push that the upstream has
 * taken, changes its refs. It holds branches and tags, nothing else. What no ref reaches any more stays until then.
 */
import { randomBytes } from 'node:crypto'
import { mkdir, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { safeText } from '../../src/model/text.ts'
import type { RefFacts } from '../policy/refs.ts'
import { controls } from './controls.ts'
import { git, GitFailed } from './git.ts'
import type { GitRun } from './git.ts'
import type { Link } from './link.ts'
import { UpstreamFailed } from './link.ts'

/** One remote's upstream, as far as the mirror needs it. */
export type Way = () => Link

/** A mirror that has not changed for so long is put in order, milliseconds: no clone that it was made for is kept waiting. */
const IDLE_MS = 15_000
/** Threads that index a whole repository. */
const INDEXING = 2
const SERVED = ['+refs/heads/*:refs/heads/*', '+refs/tags/*:refs/tags/*']

export class Mirror {
  readonly #folder: string
  readonly #way: Way
  readonly #ms: number
  #path: string | undefined
  #facts: RefFacts = { defaultBranch: undefined, refs: new Map() }
  /** When the refresh began that the facts are of. */
  #asOf = Number.NEGATIVE_INFINITY
  #running: Promise<RefFacts> | undefined
  #next: Promise<RefFacts> | undefined
  #tidying: NodeJS.Timeout | undefined

  /** `ms`: how long one refresh may take. */
  constructor(folder: string, way: Way, ms: number) {
    this.#folder = folder
    this.#way = way
    this.#ms = ms
  }

  get exists(): boolean {
    return this.#path !== undefined
  }

  /** The repository; there is one after the first refresh. */
  get path(): string {
    return this.#path ?? join(this.#folder, 'none')
  }

  /**
   * Resolves when the mirror is what the upstream was at some time after this call. Who comes while one runs shares the
   * next with all others who came. Throws UpstreamFailed.
   */
  refresh(): Promise<RefFacts> {
    if (this.#running === undefined) {
      this.#running = this.#refresh().finally(() => (this.#running = undefined))
      return this.#running
    }
    this.#next ??= this.#running
      .catch(() => undefined)
      .then(() => {
        this.#next = undefined
        return this.refresh()
      })
    return this.#next
  }

  /** What the upstream had no longer than `ms` milliseconds ago. */
  recent(ms: number): Promise<RefFacts> {
    return performance.now() - this.#asOf <= ms ? Promise.resolve(this.#facts) : this.refresh()
  }

  /** The upstream has taken these: refs follow, where they are still what they were. */
  async adopt(refs: ReadonlyMap<string, string | undefined>): Promise<void> {
    await this.#running?.catch(() => undefined)
    const commands = [...refs].map(([name, oid]) =>
      oid === undefined ? `delete ${name}\n` : `update ${name} ${oid}\n`,
    )
    await git(
      ['update-ref', '--no-deref', '--stdin'],
      { repository: this.path },
      { input: commands.join('') },
    )
    const next = new Map(this.#facts.refs)
    for (const [name, oid] of refs) {
      if (oid === undefined) next.delete(name)
      else next.set(name, oid)
    }
    this.#facts = { ...this.#facts, refs: next }
    this.#tidyLater()
  }

  async #refresh(): Promise<RefFacts> {
    const link = this.#way()
    const began = performance.now()
    try {
      return await link.use(async (env) => {
        const repository = await this.#repository()
        const run = { repository, env, ms: this.#ms }
        const listed = await git(['ls-remote', '--symref', '--', link.url], run)
        const facts = parseListing(listed.stdout.toString())
        if (!sameRefs(facts.refs, this.#facts.refs)) {
          await (this.#facts.refs.size === 0 ? this.#clone(run, link.url) : this.#fetch(run, link.url))
          this.#facts = { ...this.#facts, refs: await this.#present() }
          this.#tidyLater()
        }
        if (facts.defaultBranch !== undefined) await this.#pointHead(repository, facts.defaultBranch)
        this.#facts = { ...this.#facts, defaultBranch: facts.defaultBranch }
        this.#asOf = began
        return this.#facts
      })
    } catch (error) {
      if (error instanceof GitFailed) {
        // What was cut off, or did not fit, leaves pieces that nobody would remove.
        if (error.result.code === null || isFull(error)) await this.discard()
        throw failureOf(error)
      }
      throw error
    }
  }

  /** What arrives whole is connected in itself: git asks that of its pack and needs not walk all of it again. */
  async #clone(run: GitRun, url: string): Promise<void> {
    await rm(run.repository, { recursive: true, force: true })
    const kind = controls.on('declared-refs') ? '--bare' : '--mirror'
    const options = [kind, '--quiet', '--template=', '--no-single-branch', '--no-recurse-submodules']
    try {
      await git(['-c', `pack.threads=${INDEXING}`, 'clone', ...options, '--', url, run.repository], run)
    } catch (error) {
      await this.discard()
      throw error
    }
  }

  async #fetch(run: GitRun, url: string): Promise<void> {
    const specs = controls.on('declared-refs') ? SERVED : ['+refs/*:refs/*']
    const options = ['--quiet', '--prune', '--no-tags', '--force', '--no-write-fetch-head']
    // Without --atomic what is gone is removed first: a branch may take the place of a folder of branches.
    await git(['fetch', ...options, '--no-recurse-submodules', '--', url, ...specs], run)
  }

  /** Forgets everything; who reads from it now fails. */
  async discard(): Promise<void> {
    const path = this.#path
    clearTimeout(this.#tidying)
    this.#path = undefined
    this.#asOf = Number.NEGATIVE_INFINITY
    this.#facts = { defaultBranch: undefined, refs: new Map() }
    if (path !== undefined) await rm(path, { recursive: true, force: true })
  }

  #tidyLater(): void {
    clearTimeout(this.#tidying)
    this.#tidying = setTimeout(() => void this.#tidy(), IDLE_MS).unref()
  }

  /**
   * Every push and every refresh leaves a pack, and git looks into each of them: the small ones become one, in which
   * every object of theirs is, so that who reads meanwhile finds it there. A bitmap says what each branch reaches:
   * without one, git walks the whole history for every clone. Nobody waits for it, and nothing is lost where it fails.
   */
  async #tidy(): Promise<void> {
    if (this.#path === undefined) return
    const options = ['-q', '-d', '--geometric=2', '--write-midx', '--write-bitmap-index']
    await git(['repack', ...options], { repository: this.#path, ms: this.#ms }).catch(() => undefined)
  }

  async #pointHead(repository: string, branch: string): Promise<void> {
    if (this.#facts.defaultBranch === branch) return
    await git(['symbolic-ref', 'HEAD', branch], { repository })
  }

  async #repository(): Promise<string> {
    if (this.#path !== undefined) return this.#path
    const path = join(this.#folder, `mirror-${randomBytes(4).toString('hex')}.git`)
    await mkdir(this.#folder, { recursive: true, mode: 0o700 })
    await git(['init', '--quiet', '--bare', '--template=', '--initial-branch=main'], { repository: path })
    this.#path = path
    return path
  }

  async #present(): Promise<ReadonlyMap<string, string>> {
    const listed = await git(['for-each-ref', '--format=%(objectname) %(refname)'], { repository: this.path })
    return refsOf(listed.stdout.toString().split('\n'), ' ')
  }
}

function parseListing(text: string): RefFacts {
  const lines = text.split('\n')
  const head = lines.map((line) => /^ref: (refs\/heads\/\S+)\tHEAD$/.exec(line)?.[1]).find(Boolean)
  return { defaultBranch: head, refs: refsOf(lines, '\t') }
}

function refsOf(lines: readonly string[], separator: string): ReadonlyMap<string, string> {
  const refs = new Map<string, string>()
  for (const line of lines) {
    const at = line.indexOf(separator)
    const name = line.slice(at + 1)
    if (at !== 40 || !/^refs\/(?:heads|tags)\//.test(name) || name.endsWith('^{}')) continue
    refs.set(name, line.slice(0, at))
  }
  return refs
}

const sameRefs = (one: ReadonlyMap<string, string>, other: ReadonlyMap<string, string>): boolean =>
  one.size === other.size && [...one].every(([name, oid]) => other.get(name) === oid)

/** Here, not at the upstream, whose words are `remote:`. */
const isFull = ({ result }: GitFailed): boolean =>
  /^(?!remote:).*No space left on device/m.test(result.stderr)

/** The connection stood, and git failed on it: the server has no such repository, went away, or sends nonsense, or there is no room. */
function failureOf(failed: GitFailed): UpstreamFailed {
  const what = isFull(failed)
    ? 'what the upstream has does not fit into the memory that the gate has for all remotes of this bottle'
    : `the upstream did not give what was asked for: ${safeText(whyOf(failed), 300)}`
  return new UpstreamFailed({
    rule: 'upstream-unreachable',
    message: `${what}. Nothing stale is served in its place.`,
  })
}

function whyOf({ result: { code, stderr } }: GitFailed): string {
  if (code === null) return 'it took too long'
  const said = stderr
    .split('\n')
    .map((line) => line.replace(/^(?:remote|fatal|error|ERROR): /, '').trim())
    .filter(
      (line) => !/^$|^(?:error|fatal):$|^Please make sure|^and the repo|^Could not read from/.test(line),
    )
  return said.slice(0, 3).join('; ') || 'it says nothing'
}
