/** One response as an upstream sent it, with one reading. Interim answers are counted and dropped; 101 is final, and refused unless it was asked for. */
import { controls } from '../../policy/controls.ts'
import { framingOf, headFrom, Malformed, membersOf } from '../../http/head.ts'
import type { Field, Framing } from '../../http/head.ts'
import { INTERIM_MAX } from '../../http/limits.ts'
import type { DoorLimits } from '../../http/limits.ts'
import type { Wire } from '../../http/wire.ts'

export interface ResponseHead {
  readonly status: number
  readonly reason: string
  readonly fields: readonly Field[]
  readonly framing: Framing
  /** Content-Length of an answer without a body (HEAD, 304). */
  readonly describedLength?: number
  /** Whether the connection may carry another request. */
  readonly keepAlive: boolean
}

const LINE = /^HTTP\/1\.([01]) ([1-5][0-9]{2})(?: ([\t\x20-\x7e\x80-\xff]*))?$/

/** The final response head; `undefined` when the connection ended before a byte of it. Throws Malformed, WireClosed. */
export async function readResponse(
  wire: Wire,
  method: string,
  limits: DoorLimits,
  silence: () => void,
  upgrading = false,
): Promise<ResponseHead | undefined> {
  for (let interim = 0; interim <= INTERIM_MAX; interim++) {
    silence()
    const first = wire.take() ?? (await wire.read())
    if (first === null) {
      if (interim > 0) throw new Malformed('no final answer')
      return undefined
    }
    const read = headFrom(wire, first, limits)
    const head = read instanceof Promise ? await read : read
    const match = LINE.exec(head.startLine)
    if (match === null) throw new Malformed('status line')
    const status = Number(match[2])
    const switched = status === 101 && upgrading && match[1] === '1'
    if (status === 101 && !switched && controls.on('upgrade-refused'))
      throw new Malformed('unsolicited upgrade')
    if (status < 200 && !switched) continue
    const version = match[1] === '0' ? '1.0' : '1.1'
    const connection = membersOf(head.fields, 'connection')
    const announced = framingOf(head, version, 'close')
    const bodyless = method === 'HEAD' || status === 204 || status === 304 || switched
    const length = bodyless && status !== 204 && announced.kind === 'length' ? announced.length : undefined
    return {
      status,
      reason: match[3] ?? '',
      fields: head.fields,
      framing: bodyless ? { kind: 'none' } : announced,
      ...(length !== undefined && { describedLength: length }),
      keepAlive: version === '1.1' ? !connection.includes('close') : connection.includes('keep-alive'),
    }
  }
  throw new Malformed('endless interim answers')
}

/** Whether a body can be searched as it is. */
export function isIdentity(response: ResponseHead): boolean {
  return membersOf(response.fields, 'content-encoding').every(
    (coding) => coding === '' || coding === 'identity',
  )
}
