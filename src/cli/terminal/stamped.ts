/** What `watch` says, each line behind its time of day here; plain lines, because a log does not redraw itself. */
import type { Output } from '../../render/output.ts'
import type { Style } from '../../render/style.ts'

/** `HH:MM:SS` and two spaces. */
const WIDTH = 10

export function stamped(output: Output, now: () => number): Output {
  const stamp = (lines: readonly string[]): string[] => {
    const time = timeOfDay(now())
    return lines.filter((line) => line !== '').map((line) => `${time}  ${line}`)
  }
  return {
    ...output,
    style: narrower(output.style),
    noteStyle: narrower(output.noteStyle),
    live: undefined,
    result: (lines) => output.result(stamp(lines)),
    note: (lines) => output.note(stamp(lines)),
  }
}

/** In the zone of this machine, or of TZ. */
function timeOfDay(milliseconds: number): string {
  const time = new Date(milliseconds)
  return [time.getHours(), time.getMinutes(), time.getSeconds()]
    .map((part) => String(part).padStart(2, '0'))
    .join(':')
}

function narrower(style: Style): Style {
  return { ...style, width: style.width === 0 ? 0 : Math.max(20, style.width - WIDTH) }
}
