/** Hands the images of this checkout from one engine to another: a laboratory's network has no outside, so nothing is built there. */
import { chooseEndpoint } from '../../src/drivers/docker/endpoint.ts'
import { openEngine } from '../../src/drivers/docker/engine.ts'
import { ensureBaseImage } from '../../src/drivers/docker/images/base-image.ts'
import { sidecarsImage } from '../../src/drivers/docker/images/inputs.ts'
import { baseImage } from '../../src/drivers/docker/images/recipe.ts'
import { ensureSidecarsImage } from '../../src/drivers/docker/images/sidecars-image.ts'
import { dockerTransport } from '../../src/drivers/docker/transport.ts'

/** `host` is the engine that gets them; the first engine is that of the environment. */
export async function handImages(host: string): Promise<void> {
  const [from, to] = [chooseEndpoint(process.env), chooseEndpoint({ DOCKER_HOST: host })]
  const [source, target] = [dockerTransport(from), dockerTransport(to)]
  const [first, second] = [openEngine(from, source), openEngine(to, target)]
  const tags = [baseImage().tag, (await sidecarsImage()).tag]
  if ((await Promise.all(tags.map((tag) => second.image(tag)))).every((image) => image !== undefined)) return
  const signal = AbortSignal.timeout(600_000)
  await ensureBaseImage(first, '', () => {}, signal)
  await ensureSidecarsImage(first, '', () => {}, signal)
  const names = tags.map((tag) => `names=${encodeURIComponent(tag)}`).join('&')
  const saved = await source.stream({ method: 'GET', path: `/images/get?${names}` })
  const loading = await target.stream({ method: 'POST', path: '/images/load', upload: saved })
  let told = ''
  for await (const chunk of loading) told = `${told}${String(chunk)}`.slice(-2000)
  for (const tag of tags)
    if ((await second.image(tag)) === undefined) throw new Error(`${tag} was not taken by ${host}: ${told}`)
}
