/**
 * Deploy keys at a forge that speaks Gitea's API, written from scratch to show what a provisioner says. Each function
 * answers at once and does nothing: bot-bottle sends the requests, to `provisioned_key.api` and nowhere else.
 * plugin.d.ts says what each one takes and answers.
 *
 * @import { Provisioner } from './plugin.d.ts'
 */
const PAGE = 50

/** @type {Provisioner} */
export default {
  // For hints: what the token has to be able to do.
  tokenNeeds: 'scope write:repository, of a user who administers the repository',

  // On every request. The only function that is given the token, and the only place for it.
  headers: (token) => ({ authorization: `token ${token.reveal()}` }),

  // Where the keys of a repository are listed (GET) and made (POST), below `api`. One is removed (DELETE) at this
  // path, a slash, and its id. Asked about names such as `owner/name` and `group/sub/name`; nothing for one that
  // cannot be a repository here.
  keysPath: (repository) => (/^[^/]+\/[^/]+$/.test(repository) ? `/repos/${repository}/keys` : undefined),

  // The query of one page, 1 the first. Pages are read until one is empty, or has no link to a next one
  // (`linksPages: true`: the forge sends `Link: …; rel="next"` on every page but the last).
  page: (page) => `page=${page}&limit=${PAGE}`,
  linksPages: false,

  // The body of a creation.
  creation: ({ title, publicKey, readOnly }) => ({ title, key: publicKey, read_only: readOnly }),

  // One key of a list, or the answer to a creation. Nothing for what is not understood: the list is then an error,
  // never a shorter list.
  readKey(value) {
    const { id, title, key, read_only: readOnly, created_at: createdAt } = Object(value)
    if (!Number.isSafeInteger(id)) return undefined
    return { forgeId: String(id), title, publicKey: key, readOnly, createdAt }
  },

  // What the forge says in the body of a refusal, in its own words.
  words: (body) => Object(body).message,

  // Is this refusal of a creation about a key, or a title, that is there already?
  isDuplicate: (status, words) => status === 422 && /already|has been used/i.test(words),
}
