/** Remotes of a folded bottle: SSH URLs that hold no option in disguise, one way to authenticate, a known host key. */
import { at, entriesOf, entry, scalar, text, type Entry, type Node } from '../node.ts'
import { isLinkLocal, isMetadataAddress, readHost } from '../hosts.ts'
import { quoted, type Report } from '../report.ts'
import { checkReference } from './references.ts'

export interface SshUrl {
  readonly user: string
  readonly host: string
  readonly port: number
  readonly path: string
}

/** `bottle` is a folded definition: a child may say only what differs from its parent's remote. */
export function checkRemotes(bottle: Node, report: Report): void {
  for (const remote of entriesOf(at(bottle, 'git', 'remotes')))
    if (remote.value.kind === 'map') checkRemote(remote, report)
}

/** `bottle` is live: what is said of its user holds. A name that is not there could not be required of anybody. */
export function checkRequiredIdentity(bottle: Node, report: Report): void {
  const user = at(bottle, 'git', 'user')
  if (text(at(user, 'name')) !== undefined && text(at(user, 'email')) !== undefined) return
  for (const { key, value } of entriesOf(at(bottle, 'git', 'remotes'))) {
    const required = at(value, 'require_identity')
    if (required && scalar(required) === true)
      report.error(
        'identity-undeclared',
        required.place,
        `remote ${quoted(key)} requires the declared identity, and \`git.user\` has no name and email`,
        'git: { user: { name: …, email: … } }',
      )
  }
}

function checkRemote(remote: Entry, report: Report): void {
  const name = quoted(remote.key)
  const url = at(remote.value, 'url')
  const written = text(url)
  const parsed = written === undefined ? undefined : parseSshUrl(written)
  if (!url) report.error('missing-key', remote.place, `remote ${name} needs \`url\``)
  else if (written !== undefined && parsed === undefined) {
    report.error(
      'bad-remote-url',
      url.place,
      `${quoted(written)} is not an SSH URL`,
      /^(https?|git):/.test(written)
        ? 'the gate speaks SSH upstream: ssh://git@HOST/OWNER/REPO.git; HTTPS git is a route with `git: { fetch: true }`'
        : 'ssh://git@HOST[:PORT]/OWNER/REPO.git or git@HOST:OWNER/REPO.git',
    )
  } else if (parsed !== undefined) checkHost(parsed.host, url, report)
  if (!entry(remote.value, 'host_key')) {
    const scan = parsed
      ? `ssh-keyscan ${parsed.port === 22 ? '' : `-p ${parsed.port} `}${parsed.host}`
      : 'ssh-keyscan HOST'
    report.error(
      'missing-host-key',
      remote.place,
      `remote ${name} needs \`host_key\`: without it the first connection would be trusted blindly`,
      `${scan}, then compare the fingerprint with the one the forge shows`,
    )
  }
  const identity = entry(remote.value, 'identity')
  const key = entry(remote.value, 'provisioned_key')
  if (identity && key)
    report.error(
      'exactly-one',
      key.place,
      `remote ${name} has \`identity\` and \`provisioned_key\`; it needs exactly one of them`,
    )
  if (!identity && !key)
    report.error(
      'exactly-one',
      remote.place,
      `remote ${name} needs exactly one of \`identity\` or \`provisioned_key\``,
      '`identity` is a key file of yours; `provisioned_key` makes one at the forge for this bottle alone',
    )
  if (key?.value.kind === 'map') checkProvisionedKey(key, report)
}

/** What the uplink would not dial by this name, said before anything is made. */
function checkHost(host: string, url: Node, report: Report): void {
  const reading = readHost(host)
  if ('host' in reading) return
  const message =
    reading.code === 'ip-host' ? `${quoted(host)} is an address; a remote names a host` : reading.message
  report.error(reading.code, url.place, message, reading.hint)
}

function checkProvisionedKey(key: Entry, report: Report): void {
  for (const needed of ['provider', 'api', 'token_ref']) {
    if (!entry(key.value, needed))
      report.error('missing-key', key.place, `\`provisioned_key\` needs ${quoted(needed)}`)
  }
  checkReference(at(key.value, 'token_ref'), report)
  const api = at(key.value, 'api')
  const written = text(api)
  const url = written === undefined || !URL.canParse(written) ? undefined : new URL(written)
  if (!api || written === undefined) return
  if (!url) report.error('bad-url', api.place, `${quoted(written)} is not the URL of an API`)
  else if (url.username !== '' || url.password !== '')
    report.error(
      'bad-url',
      api.place,
      'a URL here carries no user and no password',
      'name the token with `token_ref`',
    )
  else if (isMetadataAddress(url.hostname) || isLinkLocal(url.hostname))
    report.error(
      'metadata-host',
      api.place,
      `${quoted(written)} leads to a metadata service; it cannot be declared`,
    )
  else if (url.protocol === 'http:' && !/^(localhost|127\.\d+\.\d+\.\d+|\[::1\])$/.test(url.hostname)) {
    report.error(
      'auth-over-http',
      api.place,
      'the token would be sent over http, where everybody on the way reads it',
      'use https',
    )
  }
}

/** `ssh://[user@]host[:port]/path` and `user@host:path`, with nothing ssh could take for an option or a command. */
export function parseSshUrl(written: string): SshUrl | undefined {
  const [, user = 'git', host, port, path] =
    /^ssh:\/\/(?:([^/@:]+)@)?([^/@:]+)(?::([0-9]{1,5}))?\/(.+)$/.exec(written) ??
    /^(?:([^/@:]+)@)([^/@:]+)():(.+)$/.exec(written) ??
    []
  if (host === undefined || path === undefined) return undefined
  const number = port === undefined || port === '' ? 22 : Number(port)
  const plainUser = /^[a-z0-9_][a-z0-9_.-]{0,63}$/i.test(user)
  const plainHost = /^[a-z0-9]([a-z0-9.-]{0,251}[a-z0-9])?$/i.test(host)
  const plainPath =
    /^~?\/?[a-z0-9_.][a-z0-9_.~+/-]{0,1000}$/i.test(path) &&
    !path.split('/').some((step) => step === '..' || step.startsWith('-'))
  return plainUser && plainHost && plainPath && number >= 1 && number <= 65535
    ? { user, host: host.toLowerCase(), port: number, path }
    : undefined
}
