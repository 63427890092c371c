/** The driver's tests again, on the newest engine: refuses to run them on another one under this name. */
import { chooseEndpoint } from '../../src/drivers/docker/endpoint.ts'
import { dockerTransport } from '../../src/drivers/docker/transport.ts'

export default async function setup(): Promise<void> {
  const endpoint = chooseEndpoint(process.env)
  const answer = (await dockerTransport(endpoint).json({ method: 'GET', path: '/version' })) as {
    readonly ApiVersion?: string
    readonly Version?: string
  }
  const [major, minor] = (answer.ApiVersion ?? '0.0').split('.').map(Number)
  if (process.env['DOCKER_HOST'] === undefined || major !== 1 || (minor ?? 0) < 50) {
    throw new Error(
      `engine-new needs the laboratory, and ${answer.Version} (API ${answer.ApiVersion}) answers: node scripts/labs.ts run engine-new -- vitest run --project engine-new`,
    )
  }
}
