import { randomBytes } from 'node:crypto'
import { dockerDriver, type DockerDriver } from '../../../src/drivers/docker/index.ts'
import { conformance } from '../../conformance/conformance.ts'
import { labStack, leftovers, ROOT } from '../docker/stack.ts'
import { Secret } from '../../../src/model/secret.ts'
import type { Lease } from '../../../src/ports/driver.ts'

conformance('docker', async () => {
  const lab = await labStack()
  lab.declare('dev')
  let held = true
  const engineId = await lab.driver.engineId()
  const stranger: DockerDriver = dockerDriver(process.env, {
    installation: randomBytes(8).toString('hex'),
    engine: lab.engine,
  })
  return {
    driver: lab.driver,
    stranger,
    stack: lab.name,
    installation: lab.installation,
    lease: {
      stack: lab.name,
      engineId,
      get held() {
        return held
      },
    } as Lease,
    release: () => void (held = false),
    desired: [...lab.desired.values()],
    materials: {
      rootCertificate: async () => ROOT,
      environment: () => new Map(),
      secret: async () => new Secret(''),
    },
    async editGit() {
      const argv = ['/.bb/guest', 'write', '/etc/gitconfig']
      const { stdin, exit } = await lab.driver.exec(lab.name, 'dev', { argv, env: {}, user: '0:0' })
      stdin.end('[user]\n\tname = somebody\n')
      if ((await exit) !== 0) throw new Error('could not write /etc/gitconfig')
    },
    async dispose() {
      await lab.down()
      const left = leftovers(lab.name)
      if (left.length > 0) throw new Error(`left on the engine: ${left.join(', ')}`)
    },
  }
})
