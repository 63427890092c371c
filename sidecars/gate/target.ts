/**
 * What a request line asks of the gate: one of four requests of the smart protocol on a declared name, or nothing.
 * A name is compared byte by byte with those declared; no path of a file is ever made of what a client sent. Pure.
 */

export type Service = 'git-upload-pack' | 'git-receive-pack'

export type Asked =
  | { readonly kind: 'refs'; readonly remote: string; readonly service: Service }
  | { readonly kind: 'service'; readonly remote: string; readonly service: Service }
  | { readonly kind: 'not-served'; readonly what: 'dumb-http' | 'archive' | 'lfs' | 'service' | 'method' }
  | { readonly kind: 'unknown' }

const UNKNOWN: Asked = { kind: 'unknown' }
const TARGET = /^\/([^/?]+)\.git\/([^?]*)(?:\?(.*))?$/s

export function askedFor(method: string, target: string, declared: (name: string) => boolean): Asked {
  const match = TARGET.exec(target)
  if (match === null) return UNKNOWN
  const [, remote = '', path = '', query = ''] = match
  if (!declared(remote)) return UNKNOWN
  if (path === 'info/refs') return refsAsked(method, remote, query)
  if (path === 'git-upload-pack' || path === 'git-receive-pack')
    return method === 'POST' && query === ''
      ? { kind: 'service', remote, service: path }
      : { kind: 'not-served', what: 'method' }
  if (path === 'git-upload-archive') return { kind: 'not-served', what: 'archive' }
  if (path.startsWith('info/lfs')) return { kind: 'not-served', what: 'lfs' }
  return UNKNOWN
}

function refsAsked(method: string, remote: string, query: string): Asked {
  if (method !== 'GET') return { kind: 'not-served', what: 'method' }
  switch (query) {
    case 'service=git-upload-pack':
    case 'service=git-receive-pack':
      return {
        kind: 'refs',
        remote,
        service: query === 'service=git-upload-pack' ? 'git-upload-pack' : 'git-receive-pack',
      }
    case '':
      return { kind: 'not-served', what: 'dumb-http' }
    case 'service=git-upload-archive':
      return { kind: 'not-served', what: 'archive' }
    default:
      return { kind: 'not-served', what: 'service' }
  }
}
