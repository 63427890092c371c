/** MCP servers of a folded bottle: one way to reach each, values that every agent program reads alike, no credential. */
import { MCP_OWN_NAME } from '../../model/names.ts'
import { readHost } from '../hosts.ts'
import type { KnownProviders } from '../known-providers.ts'
import { at, entriesOf, entry, itemsOf, text, type Entry, type Node } from '../node.ts'
import { quoted, type Report } from '../report.ts'
import { holdsToken } from '../secret-ref.ts'
import { checkVariable } from './bottle.ts'

export function checkMcp(bottle: Node, report: Report): void {
  for (const server of entriesOf(at(bottle, 'mcp')))
    if (server.value.kind === 'map') checkServer(server, report)
}

/** Of a live bottle: something has to be told of its servers. */
export function checkMcpTaken(bottle: Node, { byName }: KnownProviders, report: Report): void {
  const written = entry(bottle, 'mcp')
  if (!written || entriesOf(written.value).length === 0) return
  const template = text(at(bottle, 'agent_provider', 'template'))
  const provider = template === undefined ? undefined : byName.get(template)?.provider
  if (template !== undefined && !provider) return
  if (provider?.registration) return
  const takers = [...byName.values()].flatMap((one) => (one.provider.registration ? [one.provider.name] : []))
  report.error(
    'mcp-not-taken',
    written.place,
    provider
      ? `${quoted(provider.name)} takes no MCP servers`
      : 'a bottle without `agent_provider` has no program that could be told of MCP servers',
    `${takers.length > 0 ? `${takers.join(' and ')} take them; ` : ''}leave \`mcp\` out, or configure the program in an image of your own`,
  )
}

/** Programs that take their credential from a variable find the placeholder there that the whole bottle has. */
const FOR_COMMAND =
  'in the `env` of the bottle { env: NAME, placeholder: true } stands for it, and a route with `auth` carries it'
const FOR_URL =
  'egress puts it on each request: `auth: { scheme: bearer, token_ref: NAME }` on the route of the host'

/** Either of them would be a second word for one thing. */
const OF_URL = ['headers'] as const
const OF_COMMAND = ['env'] as const

function checkServer({ key: name, place, value: server }: Entry, report: Report): void {
  const [url, command] = [entry(server, 'url'), entry(server, 'command')]
  if (name === MCP_OWN_NAME)
    report.error('reserved-name', place, `${quoted(name)} is the name of the server of bot-bottle itself`)
  if (!url && !command)
    report.error(
      'missing-key',
      place,
      `the MCP server ${quoted(name)} needs \`url\` or \`command\``,
      'url: https://… of a server elsewhere, or command: [PROGRAM, ARG] of one in the bottle',
    )
  if (url && command)
    report.error('exactly-one', command.place, `an MCP server has either \`url\` or \`command\``)
  for (const key of url ? OF_COMMAND : OF_URL) {
    const other = entry(server, key)
    if (other && (url || command) && !(url && command))
      report.error(
        'mcp-other-kind',
        other.place,
        `${quoted(key)} is for a server with \`${url ? 'command' : 'url'}\``,
      )
  }
  if (url) checkUrl(url.value, report)
  for (const header of entriesOf(at(server, 'headers'))) checkHeader(header, report)
  for (const { value } of itemsOf(command?.value)) checkText(value, 'an argument', FOR_COMMAND, report)
  for (const variable of entriesOf(at(server, 'env'))) {
    checkVariable(variable, report)
    checkText(variable.value, `the value of ${quoted(variable.key)}`, FOR_COMMAND, report)
  }
}

function checkUrl(node: Node, report: Report): void {
  const written = text(node)
  if (written === undefined) return
  checkText(node, 'the URL', FOR_URL, report)
  const url = URL.parse(written)
  if (url && (url.username !== '' || url.password !== ''))
    return reportSecret(node, 'the URL', FOR_URL, report)
  if (url?.protocol !== 'https:' || url.hash !== '') {
    report.error(
      'bad-mcp-url',
      node.place,
      `${quoted(written)} ${url?.protocol === 'https:' ? 'has a fragment, which is sent to nobody' : 'is no https URL'}`,
      'a server in the bottle is a `command`',
    )
    return
  }
  if ([...url.searchParams.values()].some(holdsToken)) reportSecret(node, 'the URL', FOR_URL, report)
  const reading = readHost(url.hostname)
  if (!('host' in reading)) report.error(reading.code, node.place, reading.message, reading.hint)
}

/** What a route's `auth` puts on requests; the agent's own would be replaced, or refused. */
const CREDENTIAL_HEADERS = new Set(['authorization', 'proxy-authorization', 'cookie'])

function checkHeader({ key: name, value }: Entry, report: Report): void {
  if (CREDENTIAL_HEADERS.has(name.toLowerCase())) reportSecret(value, quoted(name), FOR_URL, report)
  else checkText(value, `the value of ${quoted(name)}`, FOR_URL, report)
}

/** A placeholder has no text of its own. */
function checkText(node: Node, what: string, hint: string, report: Report): void {
  const written = text(node)
  if (written === undefined) return
  if (holdsToken(written)) reportSecret(node, what, hint, report)
  else if (written.includes('${'))
    report.error(
      'mcp-dollar',
      node.place,
      `${what} has \`\${…}\`, which some agent programs replace and others do not`,
      'write the value itself; a command finds every variable of the bottle in its environment',
    )
}

function reportSecret(node: Node, what: string, hint: string, report: Report): void {
  report.error(
    'secret-in-manifest',
    node.place,
    `${what} holds a credential, which an agent never does`,
    `${hint}; revoke it if this file was shared`,
  )
}
