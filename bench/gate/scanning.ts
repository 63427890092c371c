/** Objects of a branch through the scanner as the gate has it: megabytes of files for a second of processor time. */
import { readNewObjects } from '../../sidecars/gate/objects.ts'
import type { ObjectHead } from '../../sidecars/gate/objects.ts'
import { ObjectScan } from '../../sidecars/gate/scan.ts'
import { fingerprints } from '../../sidecars/detect/fingerprint.ts'
import { KnownSecrets } from '../../sidecars/detect/known.ts'
import { createShapeScanner } from '../../sidecars/detect/shapes/scanner.ts'
import { read } from '../measure.ts'

const [, , repository = '', branch = '', rounds = '5'] = process.argv
const key = Buffer.alloc(32, 7)
const known = Array.from({ length: 11 }, (_, at) =>
  fingerprints(key, `env:SECRET_${at}`, `bench-${at}-0a1B2c3D4e5F6g7H8i9J`),
)
const detectors = { known: new KnownSecrets(key, known.flat()), shapes: createShapeScanner() }
const tip = (await read({ argv: ['git', 'rev-parse', branch], cwd: repository })).trim()
await read({ argv: ['git', 'update-ref', '-d', branch], cwd: repository })

const rates: number[] = []
for (let round = -2; round < Number(rounds); round++) {
  const scan = new ObjectScan(detectors)
  let bytes = 0
  const counting = {
    begin(head: ObjectHead): void {
      if (head.type === 'blob') bytes += head.size
      scan.begin(head)
    },
    piece: (piece: Buffer, last: boolean): void => scan.piece(piece, last),
  }
  const before = process.threadCpuUsage()
  await readNewObjects({ repository }, [tip], counting)
  const { user, system } = process.threadCpuUsage(before)
  if (scan.count > 0) throw new Error(`${scan.count} findings in ordinary code: ${scan.found[0]?.rule}`)
  if (round >= 0) rates.push(bytes / (user + system))
}
process.stdout.write(JSON.stringify({ rates }))
