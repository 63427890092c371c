/** The first part of a push: which refs shall become what, in the lines of gitprotocol-pack. */
import type { RefFacts, RefUpdate } from '../policy/refs.ts'
import { UPDATES_MAX } from '../policy/refs.ts'
import { VERSION } from '../version.ts'
import { band, BAND, FLUSH, NotPkt, pkt } from './pkt.ts'
import type { PktReader } from './pkt.ts'

export const ZERO = '0'.repeat(40)
/** No push options, no certificates: what is not offered is not sent. */
const CAPABILITIES = `report-status delete-refs quiet atomic ofs-delta side-band-64k object-format=sha1 agent=bot-bottle/${VERSION}`

/** What the upstream has, as the client of a push is told. */
export function advertisement({ refs }: RefFacts): Buffer {
  const lines = [...refs]
    .toSorted(([one], [other]) => (one < other ? -1 : 1))
    .map(([name, oid]) => `${oid} ${name}`)
  const [first = `${ZERO} capabilities^{}`, ...rest] = lines
  return Buffer.concat([
    pkt('# service=git-receive-pack\n'),
    FLUSH,
    pkt(`${first}\0${CAPABILITIES}\n`),
    ...rest.map((line) => pkt(`${line}\n`)),
    FLUSH,
  ])
}

export interface Commands {
  readonly updates: readonly RefUpdate[]
  readonly sideBand: boolean
  readonly report: boolean
  /** A pack follows. */
  readonly pack: boolean
}

const COMMAND = /^([0-9a-f]{40}) ([0-9a-f]{40}) ([^\n]+)\n?$/
const SHALLOW = /^shallow [0-9a-f]{40}\n?$/
/** Lines that are read before a push is given up. */
const LINES_MAX = UPDATES_MAX * 20
/** Bytes of them all: a name that may be pushed has at most 200. */
const BYTES_MAX = 1024 * 1024

/** `undefined`: the client only tries whether it may. Throws NotPkt. */
export async function readCommands(reader: PktReader): Promise<Commands | undefined> {
  const updates: RefUpdate[] = []
  let capabilities: readonly string[] | undefined
  for (let lines = 0, bytes = 0; ; lines++) {
    const content = await reader.line()
    if (content === undefined) throw new NotPkt('commands without an end')
    if (content === 'flush') break
    bytes += content.length
    if (lines >= LINES_MAX || bytes > BYTES_MAX) throw new NotPkt('too many commands')
    const zero = content.indexOf(0)
    const text = (zero === -1 ? content : content.subarray(0, zero)).toString('utf8')
    // Of a shallow clone; the mirror is whole, and what is missing is missed by it.
    if (zero === -1 && SHALLOW.test(text)) continue
    const match = COMMAND.exec(text)
    if (match === null) throw new NotPkt('no command')
    if (capabilities === undefined)
      capabilities =
        zero === -1
          ? []
          : content
              .toString('utf8', zero + 1)
              .trim()
              .split(' ')
    const [, from = ZERO, to = ZERO, ref = ''] = match
    updates.push({ ref, from: from === ZERO ? undefined : from, to: to === ZERO ? undefined : to })
  }
  if (updates.length === 0) return undefined
  return {
    updates,
    sideBand: capabilities?.includes('side-band-64k') ?? false,
    report: capabilities?.includes('report-status') ?? false,
    pack: updates.some(({ to }) => to !== undefined),
  }
}

/** How it ended, in the lines that git turns into its table. `refused`: a few words for each ref, or for all. */
export function statusReport(
  { updates, sideBand, report }: Commands,
  unpack: string,
  refused: ((ref: string) => string) | undefined,
): Buffer {
  const lines = [
    pkt(`unpack ${unpack}\n`),
    ...updates.map(({ ref }) => pkt(refused === undefined ? `ok ${ref}\n` : `ng ${ref} ${refused(ref)}\n`)),
    FLUSH,
  ]
  const status = report ? Buffer.concat(lines) : Buffer.alloc(0)
  return sideBand ? Buffer.concat([band(BAND.pack, status), FLUSH]) : status
}
