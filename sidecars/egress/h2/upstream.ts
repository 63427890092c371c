/**
 * The way on of one HTTP/2 connection: sessions of its own with the upstream, one for each credential, so that nothing of
 * one agent's connection meets another's. They end with it.
 */
import type { ClientHttp2Session } from 'node:http2'
import type { Door } from '../door.ts'
import { keyOf } from '../upstream/upstreams.ts'
import type { UpstreamTarget } from '../upstream/upstreams.ts'
import { connect } from './node.ts'
import { clientOptions, CONNECTION_WINDOW } from './settings.ts'

export class UpstreamSessions {
  readonly #door: Door
  readonly #sessions = new Map<string, Promise<ClientHttp2Session>>()
  #over = false

  constructor(door: Door) {
    this.#door = door
  }

  /** A session on which a stream can be opened; throws Refuse. */
  async take(target: UpstreamTarget): Promise<ClientHttp2Session> {
    const key = keyOf(target)
    const known = this.#sessions.get(key)
    const kept = await known
    if (kept !== undefined && isOpen(kept)) return kept
    // Another stream may have dialled anew while this one waited.
    if (this.#sessions.get(key) !== known) return await this.take(target)
    const dialled = this.#open(target)
    this.#sessions.set(key, dialled)
    dialled.then(
      (session) => session.once('close', () => this.#forget(key, dialled)),
      () => this.#forget(key, dialled),
    )
    return await dialled
  }

  close(): void {
    this.#over = true
    for (const dialled of this.#sessions.values())
      dialled.then((session) => session.destroy()).catch(() => {})
  }

  async #open(target: UpstreamTarget): Promise<ClientHttp2Session> {
    const { limits } = this.#door
    const socket = await this.#door.upstreams.dialH2(target)
    const session = connect(`https://${target.authority.host}`, {
      ...clientOptions(limits),
      createConnection: () => socket,
    })
    // The reason is in no one's interest: its streams fail, and it closes.
    session.on('error', () => {})
    // What has come is still read, for a while.
    socket.once('end', () => {
      session.close()
      session.setTimeout(limits.lingerMs, () => session.destroy())
    })
    session.once('connect', () => session.setLocalWindowSize(CONNECTION_WINDOW))
    if (this.#over) session.destroy()
    return session
  }

  #forget(key: string, dialled: Promise<ClientHttp2Session>): void {
    if (this.#sessions.get(key) === dialled) this.#sessions.delete(key)
  }
}

const isOpen = (session: ClientHttp2Session): boolean => !session.closed && !session.destroyed
