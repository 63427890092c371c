/**
 * A list across pages, whole or not at all. Pages are counted by us: an URL that a forge sends for the next one is not
 * followed. A key that goes while pages are read moves the others up, and one would be passed over: therefore the
 * number that the forge gives is compared, and the list read again.
 */
import type { IncomingHttpHeaders } from 'node:http'
import type { DeployKey } from '../../ports/forge.ts'
import { failed } from './failures.ts'
import type { Operation } from './failures.ts'

export interface Page {
  readonly keys: readonly DeployKey[]
  readonly headers: IncomingHttpHeaders
}

/** More belong to nobody's repository. */
const PAGES_MAX = 100
const TRIES = 3

export async function listWhole(
  doing: Operation,
  linksPages: boolean,
  page: (number: number) => Promise<Page>,
): Promise<readonly DeployKey[]> {
  for (let tried = 0; tried < TRIES; tried += 1) {
    const found = await listOnce(doing, linksPages, page)
    if (found !== undefined) return found
  }
  throw failed(doing, 'its list of keys changes while it is read', {
    code: 'forge-list-unstable',
    fate: 'refused',
    transient: true,
    hint: 'run it again',
  })
}

/** `undefined`: what was read does not add up. */
async function listOnce(
  doing: Operation,
  linksPages: boolean,
  page: (number: number) => Promise<Page>,
): Promise<readonly DeployKey[] | undefined> {
  const keys = new Map<string, DeployKey>()
  let seen = 0
  for (let number = 1; number <= PAGES_MAX; number += 1) {
    const { keys: more, headers } = await page(number)
    for (const key of more) keys.set(key.forgeId, key)
    seen += more.length
    const total = totalOf(headers)
    const ended =
      more.length === 0 || (linksPages && !linksNext(headers)) || (total !== undefined && seen >= total)
    if (!ended) continue
    const adds = keys.size === seen && (total === undefined || total === seen)
    return adds ? [...keys.values()] : undefined
  }
  throw failed(doing, `it lists more than ${PAGES_MAX} pages of keys`, {
    code: 'forge-list-endless',
    fate: 'refused',
    hint: 'check that `api` is the URL of the API; revoke deploy keys that nobody uses',
  })
}

/** Gitea says `X-Total-Count`, GitLab `X-Total` (not for more than 10,000), GitHub neither. */
function totalOf(headers: IncomingHttpHeaders): number | undefined {
  const said = headers['x-total-count'] ?? headers['x-total']
  return typeof said === 'string' && /^\d{1,9}$/.test(said) ? Number(said) : undefined
}

/** GitHub leaves the header out where everything is on one page. */
function linksNext({ link }: IncomingHttpHeaders): boolean {
  return typeof link === 'string' && /;\s*rel="?next"?/.test(link)
}
