/**
 * Git over HTTPS. The git door scans what a push adds; a push that went through egress would not be scanned, so it is
 * refused on every route (CRD-18). Fetching is what a route says. Judged in every reading of the path.
 */
import { queryPairs } from './path.ts'

interface GitRequest {
  readonly query: string
  readonly headers: readonly (readonly [string, string])[]
}

const PUSH_PATH = /\/git-receive-pack\/*$|\/git-upload-archive\/*$|\/info\/lfs(?:\/|$)/i
const FETCH_PATH = /\/git-upload-pack\/*$|\/info\/refs\/*$/i
const PUSH_TYPE = /^application\/x-git-(?:receive-pack|upload-archive)|^application\/vnd\.git-lfs/i

export function isGitPush(readings: readonly string[], request: GitRequest): boolean {
  return (
    readings.some((path) => PUSH_PATH.test(path)) ||
    services(request).some((service) => service !== 'git-upload-pack' && service.startsWith('git-')) ||
    request.headers.some(([name, value]) => name === 'content-type' && PUSH_TYPE.test(value.trim()))
  )
}

export function isGitFetch(readings: readonly string[], request: GitRequest): boolean {
  return readings.some((path) => FETCH_PATH.test(path)) || services(request).includes('git-upload-pack')
}

/** A query without the name, or an escape that may hide it, has none. */
const services = ({ query }: GitRequest): readonly string[] =>
  query.includes('service') || query.includes('%')
    ? queryPairs(query)
        .filter(([name]) => name === 'service')
        .map(([, value]) => value)
    : NONE
const NONE: readonly string[] = []
