/**
 * MCP servers of one live bottle: how its agent program is told of them, and what a plan says of that. Reach is
 * another matter: a server elsewhere answers where a route of the bottle leads to it.
 */
import { digestOf } from '../model/json.ts'
import type { McpRegistration, McpServer, McpServers } from '../model/provider.ts'
import type { Resource } from '../model/resource.ts'
import { programEnvironment } from '../resources/guest/environment.ts'
import type { GuestSpec } from '../resources/guest/spec.ts'
import type { RouteSpec } from '../resources/route/spec.ts'
import type { BottleEnvironment } from './environment.ts'
import { at, entriesOf, itemsOf, text, type Entry, type Node } from './node.ts'
import type { Provided } from './providers.ts'
import { quoted, type Report } from './report.ts'

export interface BottleMcp {
  readonly registration: McpRegistration
  /** By name. */
  readonly digests: NonNullable<GuestSpec['mcp']>
}

export interface McpContext {
  readonly provided: Provided | undefined
  readonly environment: Pick<BottleEnvironment, 'values' | 'asked' | 'marks'>
  readonly keyedDigest: (value: string) => string
}

/** Absent: the bottle has none, or a program that takes none. */
export function mcpOf(tree: Node, { provided, environment, keyedDigest }: McpContext): BottleMcp | undefined {
  const servers = serversIn(tree, environment.marks.placeholders)
  if (!provided?.provider.registration || Object.keys(servers).length === 0) return undefined
  const variables = new Set([
    ...Object.keys(programEnvironment()),
    ...environment.values.keys(),
    ...environment.asked,
  ])
  return {
    registration: provided.provider.registration(servers, {
      ...provided.request,
      variables: [...variables].sort(),
    }),
    digests: Object.fromEntries(
      Object.entries(servers).map(([name, server]) => [name, { digest: keyedDigest(digestOf(server)) }]),
    ),
  }
}

/** Headers that hold a placeholder, with the id of the secret that it stands for. */
export function headerPlaceholders(
  tree: Node,
): readonly { readonly header: Entry; readonly secret: string }[] {
  return entriesOf(at(tree, 'mcp'))
    .flatMap(({ value }) => entriesOf(at(value, 'headers')))
    .flatMap((header) => {
      const variable = text(at(header.value, 'env'))
      return variable === undefined ? [] : [{ header, secret: `env:${variable}` }]
    })
}

/** A server whose host has no route answers nothing but refusals. */
export function warnUnreached(
  bottleName: string,
  tree: Node,
  routes: readonly Resource[],
  report: Report,
): void {
  const reached = new Set(
    routes.flatMap(({ spec }) => {
      const { scheme, host, port } = spec as RouteSpec
      return scheme === 'https' ? [`${host}:${port}`] : []
    }),
  )
  for (const { key: name, value } of entriesOf(at(tree, 'mcp'))) {
    const node = at(value, 'url')
    const url = URL.parse(text(node) ?? '')
    if (!node || !url) continue
    const port = Number(url.port || 443)
    const isReached = [url.hostname, url.hostname.replace(/^[^.]+/, '*')].some((host) =>
      reached.has(`${host}:${port}`),
    )
    if (isReached) continue
    report.warning(
      'mcp-without-route',
      node.place,
      `${quoted(bottleName)} has no route for ${quoted(url.host)}: its agent is told of the MCP server ${quoted(name)}, and egress refuses each request to it`,
      `under \`egress.routes\`: { host: ${url.hostname}${port === 443 ? '' : `, port: ${port}`}, matches: [{ methods: [GET, POST, DELETE], paths: [{ exact: ${url.pathname} }] }] }`,
    )
  }
}

function serversIn(tree: Node, placeholders: Readonly<Record<string, string>>): McpServers {
  return Object.fromEntries(
    entriesOf(at(tree, 'mcp')).map(({ key: name, value }) => [name, serverOf(value, placeholders)]),
  )
}

/** Checked before: it is one of the two. */
function serverOf(server: Node, placeholders: Readonly<Record<string, string>>): McpServer {
  const url = text(at(server, 'url'))
  if (url !== undefined) {
    const headers = entriesOf(at(server, 'headers')).map(({ key: name, value }) => {
      const literal = text(value)
      return [name, literal ?? placeholders[`env:${text(at(value, 'env'))}`] ?? ''] as const
    })
    return { url, headers: Object.fromEntries(headers) }
  }
  const [command = '', ...args] = itemsOf(at(server, 'command')).map(({ value }) => text(value) ?? '')
  const env = entriesOf(at(server, 'env')).map(({ key, value }) => [key, text(value) ?? ''] as const)
  return { command, args, env: Object.fromEntries(env) }
}
