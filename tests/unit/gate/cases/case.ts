/** A case is a function that throws when containment does not hold. With its control off it has to throw. */
import { connect } from 'node:net'
import { expect } from 'vitest'
import type { GateControl } from '../../../../sidecars/gate/controls.ts'
import { fingerprints } from '../../../../sidecars/detect/fingerprint.ts'
import type { KnownPrints } from '../../../../src/model/gate.ts'
import type { Did, Lab } from '../lab.ts'

export interface Case {
  /** Ids of containment.md; none: a rule of the manifest. */
  readonly ids: readonly string[]
  readonly title: string
  /** The protection it names; a P0 case has one, or says in `tests/unit/containment/cases.ts` why not. */
  readonly control?: GateControl
  readonly run: () => Promise<void>
}

export const nameOf = ({ ids, title }: Case): string => [...ids.map((id) => `[${id}]`), title].join(' ')

/** A value of the stack, which the gate has fingerprints of. */
export const SECRET = 'canary-Zx81Kq94Lm27Vt60Pw'
const KEY = Buffer.alloc(32, 7)
export const KNOWN: KnownPrints = { key: KEY.toString('hex'), prints: fingerprints(KEY, 'env:KEY', SECRET) }

/** Everything that the upstream has, by ref. */
export const upstreamRefs = (lab: Lab): Promise<string> =>
  lab.up('for-each-ref', '--format=%(objectname) %(refname)')

/** The push is refused, names the rule, and the upstream is as it was. */
export async function refusedPush(lab: Lab, rule: string | RegExp, push: () => Promise<Did>): Promise<Did> {
  const before = await upstreamRefs(lab)
  const did = await push()
  expect(did.err).toMatch(rule)
  expect(did.code).not.toBe(0)
  expect(await upstreamRefs(lab)).toBe(before)
  return did
}

/** Bytes to the gate's door, and all that comes back until it closes. */
export function raw(lab: Lab, bytes: string): Promise<string> {
  return new Promise((resolve) => {
    let text = ''
    const socket = connect({ port: lab.port, host: '127.0.0.1', allowHalfOpen: true })
    socket.setEncoding('latin1').on('data', (piece: string) => (text += piece))
    socket.on('error', () => resolve(text))
    socket.on('close', () => resolve(text))
    socket.on('end', () => socket.end())
    socket.write(bytes, 'latin1')
  })
}

export const get = (lab: Lab, target: string): Promise<string> =>
  raw(lab, `GET ${target} HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n`)

export const statusOf = (answer: string): number => Number(answer.slice(9, 12))
