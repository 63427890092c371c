/** What init prints about itself when a container starts: for the driver, not for who reads the agent's log. */

/** Lines around it (sidecars/guest). */
const BEGINS = 'bb-guest status begin'
const ENDS = 'bb-guest status end'
/** A line of `/proc/PID/status`. */
const STATUS_LINE = /^[A-Za-z_]+:\t/
/** More lines than any kernel's status has. */
const LINES_MAX = 100

/**
 * Says of one line after the other whether it is init's. An agent can print the first line too, and must not be able to
 * hide what it prints after it: whatever is no line of a status ends the block.
 */
export function initLines(): (line: string) => boolean {
  let left = 0
  return (line) => {
    if (line === BEGINS) {
      left = LINES_MAX
      return true
    }
    // Also where its beginning was cut off.
    if (line === ENDS) {
      left = 0
      return true
    }
    if (left === 0) return false
    left = STATUS_LINE.test(line) ? left - 1 : 0
    return left > 0
  }
}

/** What the agent printed of `lines`; with `tail` the last so many of it, once there are no more. */
export async function* agentLines(lines: AsyncIterable<string>, tail?: number): AsyncGenerator<string> {
  const isOfInit = initLines()
  const last: string[] = []
  for await (const line of lines) {
    if (isOfInit(line)) continue
    if (tail === undefined) yield line
    else if (last.push(line) > tail) last.shift()
  }
  yield* last
}
