/** How fast one thread looks through chat with a model, MB/s of processor time, and through the worst of hostile bodies; one line of JSON. Run with the flags of an egress. */
import { detectorsFor } from '../../sidecars/egress/exchange/scanning.ts'
import { lookThrough } from '../../sidecars/detect/look.ts'
import { repeated } from '../../sidecars/detect/shapes/trial.ts'
import { ordinary } from '../../tests/unit/detect/shapes-texts.ts'
import { median } from '../measure.ts'

const rounds = Number(process.argv[2] ?? 9)
const SIZE = 1 << 20
const HOSTILE = [
  ['gh', 'p_'].join(''), 'AKIA', '-----BEGIN', 'eyJ', '.eyJhbGciOi', 'datadog', 'https://a:', '%41%42', '\\u0041', '&#65;', '=41=42',
  'SGVsbG8gV29ybGQh/', 'a1b2c3d4', '\\n\\', 'H4sI/', '=\n',
] // prettier-ignore

const secrets = Array.from(
  { length: 11 },
  (_, index) => [`env:SECRET_${index}`, `bench-${index}-0a1B2c3D4e5F6g7H8i9J`] as const,
)
const detectors = detectorsFor(Object.fromEntries(secrets))
const chat = ordinary('chat with a model', SIZE)

function speeds(work: (body: Buffer) => unknown, body: Buffer, times: number): readonly number[] {
  return Array.from({ length: times }, () => {
    const from = process.cpuUsage()
    work(body)
    const { user, system } = process.cpuUsage(from)
    return body.length / (user + system)
  })
}

const shapes = (body: Buffer): unknown => detectors.shapes.scan(body)
const everything = (body: Buffer): unknown => lookThrough(body, detectors)
speeds(shapes, chat, 5)
speeds(everything, chat, 5)
const hostile = HOSTILE.map((text) => {
  const found = speeds(everything, repeated(text, SIZE >> 2), 4)
  return { text, speed: Math.max(...found) }
}).sort((a, b) => a.speed - b.speed)
const said = {
  shapes: speeds(shapes, chat, rounds),
  everything: speeds(everything, chat, rounds),
  worst: hostile[0]?.speed ?? 0,
  hostile,
}
process.stdout.write(`${JSON.stringify(said)}\n`)
process.stderr.write(
  `scanning: shapes ${median(said.shapes).toFixed(0)} MB/s, everything ${median(said.everything).toFixed(0)} MB/s, worst ${hostile
    .slice(0, 3)
    .map(({ text, speed }) => `${JSON.stringify(text)} ${speed.toFixed(0)}`)
    .join(', ')}\n`,
)
