/** One declared remote as it is served: its mirror, its way up, its lock. */
import { createHash } from 'node:crypto'
import { rm } from 'node:fs/promises'
import { join } from 'node:path'
import { VERIFY_MS } from '../../src/model/gate.ts'
import type { GateRemote, UpstreamTrouble } from '../../src/model/gate.ts'
import { canonical } from '../../src/model/json.ts'
import type { GateLimits } from './limits.ts'
import { Link, UpstreamFailed } from './link.ts'
import type { Dial } from './link.ts'
import { Mirror } from './mirror.ts'
import { askUpstream } from './verify.ts'

export interface RemoteOptions {
  readonly remote: GateRemote
  /** Secret. */
  readonly identity: string | undefined
  /** Of this life of this remote alone. */
  readonly folder: string
  readonly relay: readonly string[]
  readonly dial: Dial
  readonly limits: GateLimits
}

/** Names the upstream, its keys and the identity without holding one: with another name it is another remote. */
export function wayOf({ url, hostKeys }: GateRemote, identity: string | undefined): string {
  return createHash('sha256')
    .update(canonical({ url: { ...url }, hostKeys: [...hostKeys], identity: identity ?? '' }))
    .digest('base64')
}

export class ServedRemote {
  /** As it is declared now. */
  remote: GateRemote
  /** Of the last verification of the identity in force; gone as soon as the upstream answers. */
  trouble: UpstreamTrouble | undefined
  readonly way: string
  readonly mirror: Mirror
  readonly incoming: string
  readonly #folder: string
  readonly #link: Link | undefined
  readonly #trying = new Set<Link>()
  readonly #linkTo: (identity: string, folder: string) => Link
  #tried = 0
  #turn: Promise<unknown> = Promise.resolve()
  #users = 0
  #closed = false

  /** Throws for what cannot be enforced. */
  constructor({ remote, identity, folder, relay, dial, limits }: RemoteOptions) {
    this.remote = remote
    this.way = wayOf(remote, identity)
    this.#folder = folder
    this.incoming = join(folder, 'incoming')
    const { url, hostKeys } = remote
    this.#linkTo = (opens, below) =>
      new Link({
        url,
        hostKeys,
        identity: opens,
        folder: join(folder, below),
        relay,
        dial,
        limits: limits.link,
      })
    this.#link = identity === undefined ? undefined : this.#linkTo(identity, 'l')
    this.mirror = new Mirror(join(folder, 'mirror'), () => this.link(), limits.refreshMs)
  }

  /** The public line of the identity in force; absent: there is none. */
  get opens(): string | undefined {
    return this.#link?.opens
  }

  /** Throws UpstreamFailed where the bundle has lost the key, or the remote is no longer declared so. */
  link(): Link {
    const { name } = this.remote
    if (this.#closed)
      throw new UpstreamFailed({
        rule: 'upstream-unreachable',
        message: `the remote ${name} was changed in the meantime. Ask again.`,
      })
    if (this.#link !== undefined) return this.#link
    throw new UpstreamFailed({
      rule: 'identity-missing',
      message: `the gate has no key for the remote ${name}. Whoever runs this bottle brings it back with bot-bottle apply.`,
    })
  }

  /**
   * Whether the upstream answers, and why not. `identity`: tried on a connection of its own, while the one in force goes
   * on; throws KeyUnusable where it is none.
   */
  async verify(identity: string | undefined): Promise<UpstreamTrouble | undefined> {
    const ms = VERIFY_MS.answer
    if (identity === undefined)
      return (this.trouble = await askUpstream(() => this.link(), this.remote.url, this.#folder, ms))
    this.#tried += 1
    const link = this.#linkTo(identity, `v${this.#tried}`)
    this.#trying.add(link)
    try {
      return await askUpstream(() => link, this.remote.url, this.#folder, ms)
    } finally {
      this.#trying.delete(link)
      await link.close()
    }
  }

  /** Files stay until the step is over, also when the remote is closed. */
  async using<T>(step: () => Promise<T>): Promise<T> {
    this.#users += 1
    try {
      return await step()
    } finally {
      this.#users -= 1
      if (this.#closed) await this.#sweep()
    }
  }

  /** One after the other, whatever became of the one before. */
  readonly inTurn = <T>(step: () => Promise<T>): Promise<T> => {
    const result = this.#turn.then(step)
    this.#turn = result.catch(() => undefined)
    return result
  }

  /** What is open to the upstream ends at once; who still reads from the mirror goes on. */
  async close(): Promise<void> {
    this.#closed = true
    await Promise.all([...this.#trying, ...(this.#link ? [this.#link] : [])].map((link) => link.close()))
    await this.#sweep()
  }

  async #sweep(): Promise<void> {
    if (this.#users === 0) await rm(this.#folder, { recursive: true, force: true })
  }
}
