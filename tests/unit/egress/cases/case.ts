/** A case is a function that throws when containment does not hold. With its control off it has to throw. */
import { expect } from 'vitest'
import type { Control } from '../../../../sidecars/policy/controls.ts'
import { Lab } from '../lab.ts'
import type { LabOptions } from '../lab.ts'

export interface Case {
  /** Ids of containment.md. */
  readonly ids: readonly string[]
  readonly title: string
  /** The protection it names; a P0 case has one. */
  readonly control?: Control
  readonly run: () => Promise<void>
}

export const nameOf = ({ ids, title }: Case): string => `${ids.map((id) => `[${id}]`).join(' ')} ${title}`

export async function inLab(options: LabOptions, body: (lab: Lab) => Promise<void>): Promise<void> {
  const lab = await Lab.open(options)
  try {
    await body(lab)
  } finally {
    await lab.close()
  }
}

/** The status of what bytes on the proxy door get, and that the connection ends with it. */
export async function refused(
  lab: Lab,
  bytes: string,
  status: number | readonly number[],
  kind: 'proxy' | 'http' = 'proxy',
): Promise<string> {
  const client = lab.raw(kind).send(bytes)
  const answer = await client.ended()
  const statuses = typeof status === 'number' ? [status] : status
  expect([...statuses, 'is the status of', bytes, answer]).toContain(Number(answer.slice(9, 12)))
  return answer
}

export const connectTo = (authority: string): string =>
  `CONNECT ${authority} HTTP/1.1\r\nHost: ${authority}\r\n\r\n`
