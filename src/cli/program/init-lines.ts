/** What init prints about itself when a container starts: for the driver, not for who reads the agent's log. Pure. */

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
    if (left === 0) return false
    left = STATUS_LINE.test(line) ? left - 1 : 0
    return left > 0 || line === ENDS
  }
}
