/** The texts of everything that can go wrong between us and a forge: object, operation, way out. Assembled here alone. */
import { DialectFault, ForgeError } from '../../model/forge-error.ts'
import type { ForgeErrorFields, RequestFate } from '../../model/forge-error.ts'
import { safeText } from '../../model/text.ts'
import type { Answer } from './request.ts'

/** What was being done, for every message. */
export interface Operation {
  /** URL of the API. */
  readonly api: string
  readonly tokenName: string
  readonly tokenNeeds: string
  readonly repository: string
  /** `list the deploy keys of`, `make a deploy key for`, `revoke deploy key 7 of`. */
  readonly what: string
}

/** What a dialect says to be sent; it says so before anything was. */
export function saidFor<T>(operation: Operation, say: () => T): T {
  try {
    return say()
  } catch (thrown) {
    if (!(thrown instanceof DialectFault)) throw thrown
    throw failed(operation, thrown.message, {
      code: 'forge-plugin',
      fate: 'unsent',
      hint: 'mend the module of the plug-in: docs/plugins.md says what each function answers',
    })
  }
}

/** The forge's own words about a refusal, already without the token. */
export type Words = string | undefined

export function failed(
  { api, repository, what }: Operation,
  told: string,
  fields: ForgeErrorFields,
): ForgeError {
  return new ForgeError(
    `cannot ${what} ${safeText(repository, 200)} at ${safeText(api, 200)}: ${told}`,
    fields,
  )
}

const said = (words: Words): string => (words === undefined ? '' : `: ${safeText(words, 200)}`)

/** An answer that is not a success; `writing`: the request was to change something. */
export function refusedAnswer(
  operation: Operation,
  answer: Answer,
  words: Words,
  writing: boolean,
): ForgeError {
  const { status } = answer
  const unsure: RequestFate = writing ? 'unknown' : 'refused'
  if (status >= 300 && status < 400)
    return failed(operation, `it answered ${status}, a redirect to ${originOf(answer)}`, {
      code: 'forge-redirect',
      fate: 'refused',
      hint: 'a redirect is never followed with the token: write the right URL under `api`',
    })
  if (status === 429 || (status === 403 && isLimit(answer))) {
    const retryAfterMs = waitOf(answer)
    return failed(operation, `it refuses further requests for now (${status})${said(words)}`, {
      code: 'forge-rate-limited',
      fate: 'refused',
      transient: true,
      ...(retryAfterMs !== undefined && { retryAfterMs }),
      hint:
        retryAfterMs === undefined
          ? 'wait a minute, then run it again'
          : `run it again in ${Math.ceil(retryAfterMs / 1000)} s`,
    })
  }
  if (status >= 500)
    return failed(operation, `it answered ${status}${said(words)}`, {
      code: 'forge-unavailable',
      fate: unsure,
      transient: true,
      hint: 'see how the forge is; run it again, nothing is done twice',
    })
  if (status === 401)
    return failed(operation, `it does not accept the token (401)${said(words)}`, {
      code: 'forge-unauthorized',
      fate: 'refused',
      hint: `check that ${operation.tokenName} is a token of this forge and has not expired`,
    })
  if (status === 403)
    return failed(operation, `the token may not do that (403)${said(words)}`, {
      code: 'forge-forbidden',
      fate: 'refused',
      hint: `${operation.tokenName} needs ${operation.tokenNeeds}; deploy keys may also be switched off there`,
    })
  if (status === 404)
    return failed(operation, 'there is no such repository, or the token cannot see it (404)', {
      code: 'forge-repository',
      fate: 'refused',
      hint: `check \`repo\` and the remote's URL; ${operation.tokenName} needs ${operation.tokenNeeds}`,
    })
  return failed(operation, `it answered ${status}${said(words)}`, {
    code: 'forge-refused',
    fate: 'refused',
    hint: 'the words are the forge’s own; check `provider` and `api`',
  })
}

/** A success that is none: not JSON, or JSON of another shape. `writing`: it may have been done all the same. */
export function notJson(operation: Operation, answer: Answer, writing: boolean): ForgeError {
  const type = safeText(answer.headers['content-type'] ?? 'no type', 60)
  return failed(operation, `it answered ${answer.status} with ${type} instead of JSON`, {
    code: 'forge-not-json',
    fate: writing ? 'unknown' : 'refused',
    hint: 'a login page, or a proxy between: check that `api` is the URL of the API (https://HOST/api/v1 at Gitea, https://api.github.com, https://HOST/api/v4 at GitLab)',
  })
}

export function unknownShape(operation: Operation, told: string, writing: boolean): ForgeError {
  return failed(operation, told, {
    code: 'forge-answer',
    fate: writing ? 'unknown' : 'refused',
    hint: 'check `provider` and `api`; if both are right, report it with the version of the forge',
  })
}

/** Names the place without repeating a query, which may hold the request's parameters. */
function originOf({ headers: { location = '' } }: Answer): string {
  if (!URL.canParse(location)) return 'another path'
  const { protocol, host } = new URL(location)
  return safeText(`${protocol}//${host}`, 100)
}

/** GitHub says its limits with 403 too. */
function isLimit({ headers }: Answer): boolean {
  return headers['retry-after'] !== undefined || headers['x-ratelimit-remaining'] === '0'
}

function waitOf({ headers }: Answer): number | undefined {
  const after = headers['retry-after']
  if (after !== undefined && /^\d{1,6}$/.test(after)) return Number(after) * 1000
  const date = after === undefined ? Number.NaN : Date.parse(after)
  if (!Number.isNaN(date)) return Math.max(0, date - Date.now())
  const reset = headers['x-ratelimit-reset'] ?? headers['ratelimit-reset']
  return typeof reset === 'string' && /^\d{9,12}$/.test(reset)
    ? Math.max(0, Number(reset) * 1000 - Date.now())
    : undefined
}
