/** GitHub and GitHub Enterprise Server: REST API 2022-11-28. */
import type { ForgeDialect } from '../ports/forge.ts'
import { items, members, text } from '../model/answer.ts'
import { listedKey } from '../model/listed-key.ts'
import { repositorySteps } from '../model/repository-name.ts'

const PAGE = 100

export const github: ForgeDialect = {
  provider: 'github',
  tokenNeeds: 'a fine-grained token with Administration: write on the repository, or scope repo',
  headers: (token) => ({
    authorization: `Bearer ${token.reveal()}`,
    accept: 'application/vnd.github+json',
    'x-github-api-version': '2022-11-28',
  }),
  keysPath(repository) {
    const steps = repositorySteps(repository)
    return steps?.length === 2 ? `/repos/${steps.join('/')}/keys` : undefined
  },
  page: (page) => `per_page=${PAGE}&page=${page}`,
  linksPages: true,
  creation: ({ title, publicKey, readOnly }) => ({ title, key: publicKey, read_only: readOnly }),
  readKey(value) {
    const { id, title, key, read_only, created_at, last_used } = members(value)
    return listedKey({ id, title, key, readOnly: read_only, createdAt: created_at, lastUsedAt: last_used })
  },
  words,
  isDuplicate: (status, said) => status === 422 && /already in use/i.test(said),
}

/** `message`, and what it says about single fields. */
function words(body: unknown): string | undefined {
  const { message, errors } = members(body)
  const said = [message, ...items(errors).map((error) => members(error)['message'])]
  const known = said.map(text).filter((part) => part !== undefined)
  return known.length === 0 ? undefined : known.join(': ')
}
