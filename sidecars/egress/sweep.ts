/** One timer for all deadlines: a connection carries its own, and looking at a few hundred numbers costs nothing. */
import type { Wire } from '../http/wire.ts'

export class Sweep {
  readonly #wires = new Set<Wire>()
  readonly #timer: NodeJS.Timeout

  /** `everyMs`: how late a deadline may be noticed. */
  constructor(everyMs: number) {
    this.#timer = setInterval(() => this.#look(Date.now()), everyMs)
    this.#timer.unref()
  }

  add(wire: Wire): void {
    this.#wires.add(wire)
    wire.socket.once('close', () => this.#wires.delete(wire))
    if (wire.closed) this.#wires.delete(wire)
  }

  stop(): void {
    clearInterval(this.#timer)
    for (const wire of this.#wires) wire.destroy()
  }

  #look(now: number): void {
    for (const wire of this.#wires) {
      if (wire.deadline > now) continue
      wire.deadline = Number.POSITIVE_INFINITY
      if (wire.onDeadline) wire.onDeadline()
      else wire.destroy()
    }
  }
}
