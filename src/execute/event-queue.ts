/** Events of work that runs beside, as one sequence: pushed at one end, read in order at the other. */
export interface EventQueue<T> extends AsyncIterable<T> {
  push(event: T): void
  /** Nothing comes after what was pushed so far. */
  close(): void
}

export function eventQueue<T>(): EventQueue<T> {
  const waiting: T[] = []
  let closed = false
  let wake: () => void = () => undefined
  return {
    push(event) {
      waiting.push(event)
      wake()
    },
    close() {
      closed = true
      wake()
    },
    async *[Symbol.asyncIterator]() {
      for (;;) {
        const event = waiting.shift()
        if (event !== undefined) yield event
        else if (closed) return
        else await new Promise<void>((resolve) => (wake = resolve))
      }
    },
  }
}
