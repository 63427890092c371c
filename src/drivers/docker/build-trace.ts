/**
 * What BuildKit tells of a build, in lines: each step once, when it begins, and what its program prints. It is protobuf
 * (`moby.buildkit.v1.StatusResponse`, api/services/control/control.proto); fields that are not named here are passed over.
 */
const STATUS = { vertex: 1, log: 3 } as const
const VERTEX = { digest: 1, name: 3, started: 5 } as const
const LOG = { text: 4 } as const

/** One for each build: a step is told of again whenever something of it changes. */
export function buildTrace(): (message: string) => readonly string[] {
  const said = new Set<string>()
  return (message) =>
    fieldsOf(Buffer.from(message, 'base64')).flatMap(({ field, bytes }) => {
      if (field === STATUS.log) return linesIn(textOf(bytes, LOG.text))
      if (field !== STATUS.vertex) return []
      const [name, digest] = [textOf(bytes, VERTEX.name), textOf(bytes, VERTEX.digest)]
      const begins = fieldsOf(bytes).some((part) => part.field === VERTEX.started) && !said.has(digest)
      if (!begins || name.startsWith('[internal]')) return []
      said.add(digest)
      return [name]
    })
}

const linesIn = (text: string): readonly string[] => text.split(/\r?\n/).filter((line) => line.trim() !== '')

const textOf = (message: Buffer, field: number): string =>
  fieldsOf(message)
    .find((part) => part.field === field)
    ?.bytes.toString('utf8') ?? ''

interface Field {
  readonly field: number
  readonly bytes: Buffer
}

/** Those with a length; what cannot be read ends the list. */
function fieldsOf(message: Buffer): readonly Field[] {
  const found: Field[] = []
  let at = 0
  const varint = (): number => {
    let [value, shift] = [0, 1]
    for (;;) {
      const byte = message[at++] ?? 0
      value += (byte & 0x7f) * shift
      if (byte < 0x80) return value
      shift *= 128
    }
  }
  while (at < message.length) {
    const key = varint()
    const wire = key & 7
    if (wire === 0) varint()
    else if (wire === 1) at += 8
    else if (wire === 5) at += 4
    else if (wire === 2) {
      const length = varint()
      found.push({ field: key >>> 3, bytes: message.subarray(at, at + length) })
      at += length
    } else break
  }
  return found
}
