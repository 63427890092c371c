/** Events as NDJSON (schema/events.v1.json): the first line is the version, each further line one event. */
import type { AgentEvent, ApplyEvent } from '../model/event.ts'
import { safeJson } from './safe-json.ts'

export const EVENTS_VERSION = 1

export function eventsHead(program: string): string {
  return safeJson({ type: 'version', version: EVENTS_VERSION, program })
}

export function eventLine(event: AgentEvent | ApplyEvent): string {
  return safeJson(event)
}
