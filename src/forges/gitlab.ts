/** GitLab, `/api/v4`. A key is "enabled" in a project and may push or not there; what is read is the project's own view. */
import type { ForgeDialect } from '../ports/forge.ts'
import { items, members, text } from '../model/answer.ts'
import { listedKey } from '../model/listed-key.ts'
import { repositorySteps } from '../model/repository-name.ts'

const PAGE = 100

export const gitlab: ForgeDialect = {
  provider: 'gitlab',
  tokenNeeds: 'scope api, of a maintainer of the project',
  headers: (token) => ({ 'private-token': token.reveal() }),
  keysPath(repository) {
    const steps = repositorySteps(repository)
    return steps && `/projects/${encodeURIComponent(steps.join('/'))}/deploy_keys`
  },
  page: (page) => `per_page=${PAGE}&page=${page}`,
  linksPages: true,
  creation: ({ title, publicKey, readOnly }) => ({ title, key: publicKey, can_push: !readOnly }),
  readKey(value) {
    const { id, title, key, can_push, created_at, last_used_at } = members(value)
    return listedKey({
      id,
      title,
      key,
      readOnly: typeof can_push === 'boolean' ? !can_push : undefined,
      createdAt: created_at,
      lastUsedAt: last_used_at,
    })
  },
  words: (body) => {
    const { message, error } = members(body)
    return text(message) ?? fieldWords(message) ?? text(error)
  },
  isDuplicate: (status, said) => status === 400 && /already been taken/i.test(said),
}

/** `{ "deploy_key.fingerprint_sha256": ["has already been taken"] }`. */
function fieldWords(message: unknown): string | undefined {
  const said = Object.entries(members(message)).map(([field, problems]) => {
    const known = items(problems)
      .map(text)
      .filter((problem) => problem !== undefined)
    return `${field} ${known.join(', ')}`
  })
  return said.length === 0 ? undefined : said.join('; ')
}
