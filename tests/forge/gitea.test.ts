import { downForge, makeRepository, PAGE, upForge } from '../../scripts/labs/forge.ts'
import { gitea } from '../../src/forges/gitea.ts'
import { openForge } from '../../src/forges/rest/forge.ts'
import { Secret } from '../../src/model/secret.ts'
import { forgeConformance } from '../conformance/forges/conformance.ts'

forgeConformance('gitea', async () => {
  const name = `forge-${process.pid}`
  const { api, token } = await upForge(name)
  let made = 0
  return {
    api,
    token,
    page: PAGE,
    open: (over) =>
      openForge(gitea, {
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
