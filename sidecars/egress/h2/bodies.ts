/** What a body passes through in either direction: the code of HTTP/1.1, for gRPC message by message. */
import type { BodyScan, Finding, Scanned } from '../../detect/scan.ts'
import type { OverrideWatch } from '../exchange/overriding.ts'
import { membersOf, Malformed } from '../../http/head.ts'
import type { Field } from '../../http/head.ts'
import { Refuse, refuseFinding } from '../exchange/request.ts'
import { Scrubber } from '../secrets/scrub.ts'
import type { Matcher } from '../secrets/scrub.ts'
import { isGrpc } from './answer.ts'
import { Messages } from './messages.ts'
import type { Passage } from './messages.ts'

export interface BodyOut extends Passage {
  /** Nothing goes on before the end. */
  readonly whole: boolean
  dispose(): void
}

/** Throws Refuse with what was found. */
export function bodyOut(
  scanned: Scanned,
  fields: readonly Field[],
  watch: OverrideWatch | undefined,
): BodyOut {
  const inner =
    isGrpc(fields) && scanned.body !== undefined ? messagesOut(scanned, fields) : plainOut(scanned)
  return {
    ...inner,
    push(piece) {
      if (watch?.push(piece) === true) throw new Refuse('method-override')
      return inner.push(piece)
    },
    end() {
      if (watch?.end() === true) throw new Refuse('method-override')
      return inner.end()
    },
  }
}

function plainOut({ body }: Scanned): BodyOut {
  return {
    whole: body?.whole === true,
    push: (piece) => (body === undefined ? piece : passed(body.push(piece))),
    end: () => (body === undefined ? EMPTY : passed(body.end())),
    dispose: () => body?.dispose(),
  }
}

/** The body as one text is not looked at: its bytes are those of its messages, and they cannot wait for its end. */
function messagesOut(scanned: Scanned, fields: readonly Field[]): BodyOut {
  scanned.body?.dispose()
  const codings = membersOf(fields, 'grpc-encoding')
  let open: BodyScan | undefined
  const messages = new Messages((length, packed) => {
    if (packed && codings.every((coding) => coding === 'identity')) throw new Malformed('packed by nothing')
    const scan = scanned.message(length, undefined, packed ? codings : [])
    open = scan
    return { push: (bytes) => passed(scan.push(bytes)), end: () => passed(scan.end()) }
  })
  return {
    whole: false,
    push: (piece) => messages.push(piece),
    end: () => messages.end(),
    dispose: () => open?.dispose(),
  }
}

/** `matcher`: of what is masked. Throws Refuse for what cannot be searched. */
export function bodyBack(matcher: Matcher | undefined, fields: readonly Field[]): Passage {
  if (matcher === undefined) return { push: (piece) => piece, end: () => EMPTY }
  if (!isGrpc(fields)) return new Scrubber(matcher)
  if (membersOf(fields, 'grpc-encoding').some((coding) => coding !== 'identity'))
    throw new Refuse('encoding-unreadable')
  const messages = new Messages((_length, packed) => {
    if (packed) throw new Refuse('encoding-unreadable')
    return new Scrubber(matcher)
  })
  return {
    push: (piece) => ofUpstream(() => messages.push(piece)),
    end: () => ofUpstream(() => messages.end()),
  }
}

function ofUpstream(read: () => Buffer): Buffer {
  try {
    return read()
  } catch (error) {
    throw error instanceof Malformed ? new Refuse('upstream-malformed') : error
  }
}

function passed(result: Buffer | Finding): Buffer {
  if (Buffer.isBuffer(result)) return result
  throw refuseFinding(result)
}

const EMPTY = Buffer.alloc(0)
