/** `node scripts/base-image.ts`: makes the base image and the sidecar image present on the engine, and says how long it takes. */
import { chooseEndpoint } from '../src/drivers/docker/endpoint.ts'
import { openEngine } from '../src/drivers/docker/engine.ts'
import { ensureBaseImage } from '../src/drivers/docker/images/base-image.ts'
import { sidecarsImage } from '../src/drivers/docker/images/inputs.ts'
import { baseImage } from '../src/drivers/docker/images/recipe.ts'
import { ensureSidecarsImage } from '../src/drivers/docker/images/sidecars-image.ts'

const engine = openEngine(chooseEndpoint(process.env))
const verbose = process.argv.includes('--verbose')
const progress = (text: string) => verbose && process.stdout.write(`  ${text}\n`)
const { signal } = new AbortController()
/** Of tests and benchmarks, whose installations come and go: none of them may remove it. */
const NOBODY = ''

const steps = [
  { tag: baseImage().tag, ensure: () => ensureBaseImage(engine, NOBODY, progress, signal) },
  { tag: (await sidecarsImage()).tag, ensure: () => ensureSidecarsImage(engine, NOBODY, progress, signal) },
]
for (const { tag, ensure } of steps) {
  const from = performance.now()
  process.stdout.write(
    `image: ${tag}: ${await ensure()} (${((performance.now() - from) / 1000).toFixed(1)} s)\n`,
  )
}
