/**
 * One stream as the agent opened it, made into the value that a request of HTTP/1.1 is made into, with one reading. HPACK
 * and frames are nghttp2's; what their fields may say is decided here. Throws Refuse, Malformed.
 */
import { formatAuthority, parseAuthority, sameAuthority } from '../../policy/authority.ts'
import type { Authority } from '../../policy/authority.ts'
import { METHODS } from '../../policy/methods.ts'
import { controls } from '../../policy/controls.ts'
import { framingOf, Malformed, membersOf, parseField } from '../../http/head.ts'
import type { Field } from '../../http/head.ts'
import type { DoorLimits } from '../../http/limits.ts'
import { originTarget, Refuse } from '../exchange/request.ts'
import type { ParsedRequest } from '../exchange/request.ts'

const PSEUDO = [':method', ':scheme', ':authority', ':path'] as const
type Pseudo = (typeof PSEUDO)[number]

/** Fields of one connection have no meaning here (RFC 9113, 8.2.2); `te` may say `trailers`. */
const OF_CONNECTION: ReadonlySet<string> = new Set([
  'connection', 'keep-alive', 'proxy-connection', 'transfer-encoding', 'upgrade', 'http2-settings',
]) // prettier-ignore

/** What RFC 9113 counts for each field beside its bytes, half for the name and half for the value. */
const BESIDE = 16

/** `raw`: names and values in turn. `ended`: no body follows. `authority`: what the connection was admitted for. */
export function requestOf(
  raw: readonly string[],
  ended: boolean,
  authority: Authority,
  limits: DoorLimits,
): ParsedRequest {
  // A table unpacks what is small on the wire; node counts fields, not their bytes.
  if (raw.reduce((sum, text) => sum + text.length + BESIDE, 0) > limits.headBytes)
    throw new Malformed('head too large', true)
  const { pseudo, fields } = headOf(raw)
  const method = pseudo[':method']
  if (!METHODS.has(method)) throw new Refuse('method-refused')
  if (pseudo[':scheme'] !== 'https') throw new Malformed('scheme')
  const named = authorityOf(pseudo[':authority'], fields, authority)
  for (const { key, value } of fields)
    if (OF_CONNECTION.has(key) || (key === 'te' && value !== 'trailers'))
      throw new Malformed('field of a connection')
  if (!/^[\x21-\x7e]+$/.test(pseudo[':path'])) throw new Malformed('path')
  const { path, query } = originTarget(pseudo[':path'])
  const told = framingOf({ startLine: '', fields }, '1.1', 'none')
  if (ended && told.kind === 'length' && told.length > 0) throw new Malformed('body ended early')
  const expected = membersOf(fields, 'expect')
  if (expected.some((member) => member !== '100-continue')) throw new Refuse('expectation-unknown')
  return {
    method,
    scheme: 'https',
    authority: named,
    path,
    query,
    version: '1.1',
    fields,
    framing: ended ? { kind: 'none' } : told.kind === 'length' ? told : { kind: 'chunked' },
    keepAlive: true,
    expectsContinue: expected.length > 0,
  }
}

/** Fields alone, as far as they can be read: for the words of a refusal. */
export function readableFields(raw: readonly string[]): readonly Field[] {
  try {
    return headOf(raw).fields
  } catch {
    return []
  }
}

function headOf(raw: readonly string[]): {
  readonly pseudo: Readonly<Record<Pseudo, string>>
  readonly fields: readonly Field[]
} {
  const pseudo = new Map<string, string>()
  const fields: Field[] = []
  const crumbs: string[] = []
  for (let at = 0; at + 1 < raw.length; at += 2) {
    const [name = '', value = ''] = [raw[at], raw[at + 1]]
    if (name.startsWith(':')) {
      if (pseudo.has(name) || fields.length > 0) throw new Malformed('pseudo-header twice or late')
      pseudo.set(name, value)
      continue
    }
    const field = parseField(`${name}: ${value}`)
    if (field.name !== name || field.key !== name || field.value !== value) throw new Malformed('field')
    if (name === 'cookie') crumbs.push(value)
    else fields.push(field)
  }
  // What was taken apart to be compressed is one field again before anybody judges it (RFC 9113, 8.2.3).
  if (crumbs.length > 0) fields.push({ name: 'cookie', key: 'cookie', value: crumbs.join('; ') })
  const of = (name: Pseudo): string => {
    const value = pseudo.get(name)
    if (value === undefined) throw new Malformed('pseudo-header missing')
    return value
  }
  const known = { ':method': of(':method'), ':scheme': of(':scheme'), ':authority': of(':authority'), ':path': of(':path') } // prettier-ignore
  if (pseudo.size !== PSEUDO.length) throw new Malformed('pseudo-header unknown')
  return { pseudo: known, fields }
}

/** `:authority`, `host` if there is one, and the name of the connection are one value. */
function authorityOf(written: string, fields: readonly Field[], expected: Authority): Authority {
  const hosts = fields.filter(({ key }) => key === 'host')
  if (hosts.length > 1) throw new Malformed('several hosts')
  for (const text of [...hosts.map(({ value }) => value), written]) {
    if (text === formatAuthority(expected, 443)) continue
    const parsed = parseAuthority(text, 443)
    if (!parsed.ok) throw new Refuse(parsed.rule)
    if (sameAuthority(parsed.value, expected)) continue
    if (controls.on('authority-equality')) throw new Refuse('authority-mismatch')
    return parsed.value
  }
  return expected
}
