import { drift } from '../../../src/drivers/memory/drift.ts'
import { memoryDriver } from '../../../src/drivers/memory/driver.ts'
import { conformance } from '../../conformance/conformance.ts'
import { laboratory } from '../execute/laboratory.ts'
import { desiredOf } from '../reconcile/stacks.ts'

conformance('memory', async () => {
  const lab = await laboratory()
  lab.roots.create('dev', 30, '2026-11-21T12:00:00.000Z')
  return {
    driver: lab.driver,
    stranger: memoryDriver({ world: lab.world, installation: 'another' }),
    stack: 'acme',
    installation: lab.home.installation,
    lease: lab.lock.lease,
    release: lab.lock.release,
    desired: desiredOf({ dev: { routes: {} } }).resources,
    materials: {
      rootCertificate: async (bottle) => lab.roots.rootOf(bottle)?.certificate ?? '',
      environment: () => new Map(),
      secret: () => Promise.reject(new Error('no secret is asked for')),
    },
    editGit: async () => drift(lab.world, 'acme').editGitConfig('dev', '[user]\n'),
    dispose: async () => lab.close(),
  }
})
