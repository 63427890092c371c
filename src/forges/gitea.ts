/** Gitea and Forgejo, `/api/v1`: one API since Forgejo began as Gitea 1.18. */
import type { ForgeDialect } from '../ports/forge.ts'
import { members, text } from '../model/answer.ts'
import { listedKey } from '../model/listed-key.ts'
import { repositorySteps } from '../model/repository-name.ts'

/** Its own limit for one page unless an operator lowers it (`MAX_RESPONSE_ITEMS`). */
const PAGE = 50

export const gitea: ForgeDialect = {
  provider: 'gitea',
  tokenNeeds: 'scope write:repository, of a user who administers the repository',
  headers: (token) => ({ authorization: `token ${token.reveal()}` }),
  keysPath(repository) {
    const steps = repositorySteps(repository)
    return steps?.length === 2 ? `/repos/${steps.join('/')}/keys` : undefined
  },
  page: (page) => `page=${page}&limit=${PAGE}`,
  linksPages: false,
  creation: ({ title, publicKey, readOnly }) => ({ title, key: publicKey, read_only: readOnly }),
  readKey(value) {
    const { id, title, key, read_only, created_at } = members(value)
    return listedKey({ id, title, key, readOnly: read_only, createdAt: created_at })
  },
  words: (body) => text(members(body)['message']),
  // "This key has already been added", "has been used as non-deploy key", "A key with the same name already exists".
  isDuplicate: (status, words) => status === 422 && /already|has been used/i.test(words),
}
