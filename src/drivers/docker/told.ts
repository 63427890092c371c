/** What the engine tells while it builds, pulls or imports an image, as lines for a person. */
import type { Readable } from 'node:stream'
import { buildTrace } from './build-trace.ts'
import { EngineRefusal } from './call.ts'
import { jsonLines } from './lines.ts'

/** To its end; what went wrong stands in the stream, behind a status of success. */
export async function heard(answer: Readable, progress: (text: string) => void): Promise<void> {
  const traced = buildTrace()
  for await (const line of jsonLines(answer)) {
    if (typeof line['error'] === 'string') throw new EngineRefusal(500, line['error'])
    const isTrace = line['id'] === 'moby.buildkit.trace'
    const texts = isTrace ? traced(String(line['aux'])) : [progressText(line) ?? []].flat()
    for (const text of texts) progress(text)
  }
}

/** Engine progress: build lines as they come, layers without their byte counters. */
function progressText(line: Readonly<Record<string, unknown>>): string | undefined {
  if (typeof line['stream'] === 'string') return line['stream'].trim() || undefined
  if (typeof line['status'] !== 'string' || 'progress' in line) return undefined
  return typeof line['id'] === 'string' ? `${line['id']}: ${line['status']}` : line['status']
}
