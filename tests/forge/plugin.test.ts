/** The provisioner of `contrib`, as a plug-in, on a Gitea: the suite that every forge passes, without a change. */
import { downForge, makeRepository, PAGE, upForge } from '../../scripts/labs/forge.ts'
import { dialectOf } from '../../src/forges/plugin.ts'
import { openForge } from '../../src/forges/rest/forge.ts'
import { Secret } from '../../src/model/secret.ts'
import { forgeConformance } from '../conformance/forges/conformance.ts'
import { exportOf } from '../contrib.ts'

forgeConformance('provisioner-example', async () => {
  const dialect = dialectOf('provisioner-example', await exportOf('provisioner-example'))
  if ('unusable' in dialect) throw new Error(dialect.unusable)
  const name = `forge-plugin-${process.pid}`
  const { api, token } = await upForge(name)
  let made = 0
  return {
    api,
    token,
    page: PAGE,
    open: (over) =>
      openForge(dialect, {
        api,
        token: new Secret(token),
        tokenName: 'GITEA_TOKEN',
        allowPrivate: true,
        trust: [],
        ...over,
      }),
    async repository() {
      const repository = `keys-${(made += 1)}`
      await makeRepository(api, token, repository)
      return `lab/${repository}`
    },
    dispose: () => downForge(name),
  }
})
