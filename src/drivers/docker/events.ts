/** Changes of one stack's objects, as the engine tells them. */
import { LABELS } from '../../model/names.ts'
import { safeText } from '../../model/text.ts'
import type { EngineEvent } from '../../ports/driver.ts'
import type { Engine } from './calls.ts'
import { placeOfName } from './engine-names.ts'

/** Our own execs and health are noise. */
const NOISE = /^(exec_|top$|resize$|attach$|archive-path|extract-to-dir|mount$|unmount$)/

export async function* stackEvents(
  engine: Engine,
  stack: string,
  signal: AbortSignal,
): AsyncGenerator<EngineEvent> {
  try {
    for await (const event of engine.events(Math.floor(Date.now() / 1000), signal)) {
      const name = event.labels['container'] ?? event.name
      const concerns =
        event.labels[LABELS.stack] === stack ||
        placeOfName(stack, name) !== undefined ||
        placeOfName(stack, event.name) !== undefined ||
        event.type === 'network'
      if (!concerns || NOISE.test(event.action)) continue
      yield {
        at: new Date(event.time * 1000).toISOString(),
        what: safeText(`${event.type} ${event.name || event.labels['container'] || ''} ${event.action}`),
      }
    }
  } catch (thrown) {
    if (!signal.aborted) throw thrown
  }
}
