/** What a client hears while its push is looked at: lines on the terminal, and a sign of life in between. */
import { band, BAND } from './pkt.ts'
import type { GateAnswer } from './exchange.ts'

export class Progress {
  readonly #answer: GateAnswer
  readonly #sideBand: boolean
  readonly #timer: NodeJS.Timeout
  #turn: Promise<void> = Promise.resolve()

  private constructor(answer: GateAnswer, sideBand: boolean, aliveMs: number) {
    this.#answer = answer
    this.#sideBand = sideBand
    this.#timer = setInterval(() => void this.#write(ALIVE).catch(() => undefined), aliveMs)
  }

  static async begin(answer: GateAnswer, sideBand: boolean, aliveMs: number): Promise<Progress> {
    await answer.head(200, 'application/x-git-receive-pack-result')
    return new Progress(answer, sideBand, aliveMs)
  }

  say(text: string): Promise<void> {
    return this.#write(band(BAND.progress, Buffer.from(text)))
  }

  async end(): Promise<void> {
    clearInterval(this.#timer)
    await this.#turn.catch(() => undefined)
  }

  #write(bytes: Buffer): Promise<void> {
    if (!this.#sideBand) return Promise.resolve()
    const written = this.#turn.then(() => this.#answer.write(bytes))
    this.#turn = written.catch(() => undefined)
    return written
  }
}

/** An empty line of the progress band. */
const ALIVE = Buffer.from('0005\u0002', 'latin1')
