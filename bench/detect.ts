/**
 * How fast token shapes are looked for, megabytes a second: `node bench/detect.ts [--rounds N]`. Beside each body, in the
 * same round, `Buffer.indexOf` of a byte that is not there. Needs no engine; nothing here is asserted.
 */
import { parseArgs } from 'node:util'
import { createShapeScanner } from '../sidecars/detect/shapes/scanner.ts'
import { LONGEST, SHAPES } from '../sidecars/detect/shapes/shape.ts'
import { seeded } from '../sidecars/detect/samples.ts'
import { anchorText, repeated, samplesOf } from '../sidecars/detect/shapes/trial.ts'
import { ordinary } from '../tests/unit/detect/shapes-texts.ts'
import { median } from './measure.ts'
import { machine } from './table.ts'

const { values } = parseArgs({ options: { rounds: { type: 'string', default: '15' } } })
const rounds = Number(values.rounds)
const SIZE = 1 << 20
const ABSENT = Buffer.from('\u0007\u0007\u0007\u0007')

const started = performance.now()
const scanner = createShapeScanner()
const building = performance.now() - started
scanner.scan(Buffer.from('GET / HTTP/1.1\r\nHost: api.example.com\r\n'))
const first = performance.now() - started - building

const BODIES: Readonly<Record<string, Buffer>> = {
  'chat with a model': ordinary('chat with a model', SIZE),
  'minified JavaScript': ordinary('minified JavaScript', SIZE),
  'base64 in one line': ordinary('base64 in one line', SIZE),
  'lock files': ordinary('lock files', SIZE),
  'random bytes': ordinary('binary', SIZE),
  'hostile: ghp_ghp_': repeated(['gh', 'p_'].join(''), SIZE),
  'hostile: AKIAAKIA': repeated('AKIA', SIZE),
  'hostile: -----BEGIN': repeated('-----BEGIN', SIZE),
  'hostile: eyJeyJ': repeated('eyJ', SIZE),
  'hostile: .eyJ.eyJ': repeated('.eyJhbGciOi', SIZE),
  'hostile: datadog': repeated('datadog', SIZE),
  'hostile: https://a:': repeated('https://a:', SIZE),
}

function speed(work: () => unknown, bytes: number): number {
  const from = performance.now()
  work()
  return bytes / 1e3 / (performance.now() - from)
}

/** Per body: megabytes a second of each round, and of the reference. */
const measured = Object.entries(BODIES).map(([name, body]) => ({
  name,
  body,
  scans: [] as number[],
  references: [] as number[],
}))
for (let round = -3; round < rounds; round++) {
  for (const { body, scans, references } of measured) {
    const scan = speed(() => scanner.scan(body), body.length)
    const reference = speed(() => body.indexOf(ABSENT), body.length)
    if (round < 0) continue
    scans.push(scan)
    references.push(reference)
  }
}

const rows = measured.map(({ name, body, scans, references }) => {
  const { examined, hits } = scanner.scan(body)
  const ratio = median(scans.map((each, round) => each / (references[round] ?? Number.NaN)))
  return `| ${name} | ${median(scans).toFixed(0)} (${Math.min(...scans).toFixed(0)}–${Math.max(...scans).toFixed(0)}) | ${median(references).toFixed(0)} | ${ratio.toFixed(3)} | ${(examined / body.length).toFixed(2)} | ${hits.length} |`
})

/** The slowest body that can be made of a shape's own anchor and samples: best of five. */
const worst = SHAPES.flatMap((shape) => {
  const anchor = anchorText(shape, seeded(shape.id))
  const [one = '', , three = ''] = samplesOf(shape, 'true')
  return [anchor, ` ${anchor}`, ` ${one.slice(0, -2)}`, one.slice(0, -1), one, three].map((text, index) => {
    const body = repeated(text, SIZE >> 3)
    const best = Math.max(...Array.from({ length: 5 }, () => speed(() => scanner.scan(body), body.length)))
    return { name: `${shape.id} ${index}`, best }
  })
}).sort((a, b) => a.best - b.best)

process.stdout.write(
  `${machine()}; ${SHAPES.length} shapes, built in ${building.toFixed(0)} ms, first look ${first.toFixed(1)} ms, longest ${LONGEST}; ${rounds} rounds

| body, 1 MiB | MB/s, median (min–max) | indexOf MB/s | ratio | bytes examined per byte | hits |
|---|--:|--:|--:|--:|--:|
${rows.join('\n')}

worst of ${worst.length} bodies made of shapes, MB/s: ${worst
    .slice(0, 8)
    .map(({ name, best }) => `${name} ${best.toFixed(0)}`)
    .join(', ')}
`,
)
