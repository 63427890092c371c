/** What OpenSSH is told, and what it said: pinned keys only, one identity, one way out, nothing forwarded. Pure. */
import { createHash } from 'node:crypto'
import { isAbsolute } from 'node:path'
import type { SshUrl, UpstreamTrouble } from '../../src/model/gate.ts'
import { safeText } from '../../src/model/text.ts'
import { controls } from './controls.ts'

/** The only name that git and ssh get for the upstream: host, port and user stand in the file alone. */
const ALIAS = 'upstream'

export interface SshPaths {
  readonly config: string
  readonly knownHosts: string
  readonly agent: string
  readonly dial: string
  readonly control: string
}

/** Throws for a URL that could mean something else to a program. */
export function checkUrl({ user, host, port, path }: SshUrl): void {
  if (!/^[A-Za-z0-9_][A-Za-z0-9._-]{0,63}$/.test(user)) throw new Error('the user of the URL is not plain')
  if (!/^[A-Za-z0-9][A-Za-z0-9.:-]{0,253}$/.test(host)) throw new Error('the host of the URL is not plain')
  if (!Number.isInteger(port) || port < 1 || port > 65_535) throw new Error('the port of the URL is none')
  if (!/^[/~]?[A-Za-z0-9_.][A-Za-z0-9_.~/+@-]{0,500}$/.test(path) || path.split('/').includes('..'))
    throw new Error('the path of the URL is not plain')
}

/** As an argument of git, always behind `--`. */
export const urlFor = ({ path }: SshUrl): string =>
  path.startsWith('/') ? `ssh://${ALIAS}${path}` : `${ALIAS}:${path}`

const TYPES: Readonly<Record<string, readonly string[]>> = {
  'ssh-ed25519': ['ssh-ed25519'],
  'ecdsa-sha2-nistp256': ['ecdsa-sha2-nistp256'],
  'ecdsa-sha2-nistp384': ['ecdsa-sha2-nistp384'],
  'ecdsa-sha2-nistp521': ['ecdsa-sha2-nistp521'],
  'ssh-rsa': ['rsa-sha2-512', 'rsa-sha2-256'],
}
const HOST_KEY = /^([a-z0-9-]+) ([A-Za-z0-9+/]{16,}={0,2})(?: .*)?$/

interface HostKey {
  readonly type: string
  readonly base64: string
}

function parseHostKey(line: string): HostKey {
  const [, type = '', base64 = ''] = HOST_KEY.exec(line) ?? []
  if (TYPES[type] === undefined) throw new Error('a host key is not one')
  return { type, base64 }
}

/** Throws for a line that is no host key, and for none at all. */
export function knownHosts(lines: readonly string[]): string {
  if (lines.length === 0) throw new Error('no host key is pinned')
  return lines
    .map(parseHostKey)
    .map(({ type, base64 }) => `${ALIAS} ${type} ${base64}\n`)
    .join('')
}

export const fingerprintOf = (line: string): string => {
  const { base64 } = parseHostKey(line)
  const digest = createHash('sha256').update(Buffer.from(base64, 'base64')).digest('base64')
  return `SHA256:${digest.replace(/=+$/, '')}`
}

/** Pinned types first, so that a server with several keys shows one that can be compared. */
function algorithmsFor(hostKeys: readonly string[]): string {
  const pinned = hostKeys.map((line) => parseHostKey(line).type)
  const types = [...new Set([...pinned, ...Object.keys(TYPES)])]
  return types.flatMap((type) => TYPES[type] ?? []).join(',')
}

/** Throws for a word that a shell would not take as it is: OpenSSH gives the line to one. */
function commandLine(words: readonly string[]): string {
  for (const word of words)
    if (!/^[A-Za-z0-9_./=-]+$/.test(word)) throw new Error('a word of the proxy command is not plain')
  return words.join(' ')
}

export interface SshWay {
  readonly url: SshUrl
  readonly hostKeys: readonly string[]
  readonly paths: SshPaths
  /** Relays its standard streams to the socket that is its last word. */
  readonly relay: readonly string[]
}

export function sshConfig({ url, hostKeys, paths, relay }: SshWay): string {
  for (const path of Object.values(paths)) {
    if (!isAbsolute(path)) throw new Error('a path is not absolute')
    commandLine([path])
  }
  // oxfmt-ignore
  const lines = [
    `Host ${ALIAS}`, `HostName ${url.host}`, `Port ${url.port}`, `User ${url.user}`, `HostKeyAlias ${ALIAS}`,
    `StrictHostKeyChecking ${controls.on('host-key') ? 'yes' : 'no'}`, `UserKnownHostsFile ${paths.knownHosts}`,
    'GlobalKnownHostsFile /dev/null', 'UpdateHostKeys no', 'CheckHostIP no', 'VerifyHostKeyDNS no',
    'CanonicalizeHostname no', `HostKeyAlgorithms ${algorithmsFor(hostKeys)}`,
    `IdentityAgent ${paths.agent}`, 'IdentityFile none', 'PKCS11Provider none',
    'PreferredAuthentications publickey', 'PubkeyAuthentication yes', 'PasswordAuthentication no',
    'KbdInteractiveAuthentication no', 'GSSAPIAuthentication no', 'HostbasedAuthentication no', 'BatchMode yes',
    'AddKeysToAgent no', 'ForwardAgent no', 'ForwardX11 no', 'ClearAllForwardings yes', 'Tunnel no',
    'PermitLocalCommand no', 'RequestTTY no', 'EscapeChar none', 'Compression no',
    `ProxyCommand ${commandLine([...relay, paths.dial])}`, 'ProxyUseFdpass no',
    'ControlMaster no', `ControlPath ${paths.control}`, 'ControlPersist no',
    // Of the kept connection as well: what it does not send, nobody who uses it does, and git speaks version 0.
    'SendEnv GIT_PROTOCOL', 'ConnectTimeout 30', 'ServerAliveInterval 15', 'ServerAliveCountMax 4', 'LogLevel ERROR',
  ]
  return `${lines.join('\n')}\n`
}

/** For the connection that is kept: it says that it stands, once it does. */
export const MASTER_SAYS = 'standing'
// oxfmt-ignore
export const masterArguments = ({ config }: SshPaths): readonly string[] => [
  '-F', config, '-v', '-N', '-o', 'ControlMaster=yes', '-o', 'PermitLocalCommand=yes',
  '-o', `LocalCommand=echo ${MASTER_SAYS}`, ALIAS,
]

/** For git, which gives the string to a shell where it has spaces: both words are plain. */
export const sshCommand = ({ config }: SshPaths): string => `ssh ${commandLine(['-F', config])}`

/** Why a connection was not made; `said` is what ssh wrote, `dialled` why the way out was refused. */
export function explain(
  said: string,
  { url, hostKeys }: Pick<SshWay, 'url' | 'hostKeys'>,
  dialled?: string,
): UpstreamTrouble {
  const place = `${url.host}:${url.port}`
  if (said.includes('Host key verification failed')) {
    const [, shown = 'no key that could be read'] = /Server host key: (\S+ SHA256:\S+)/.exec(said) ?? []
    const pinned = hostKeys.map(fingerprintOf).join(', ')
    const message = `${place} shows the host key ${safeText(shown, 120)}, the manifest has ${pinned}. Nothing was sent. If the server's key was changed on purpose, host_key of the remote has to be changed.`
    return { rule: 'host-key-changed', message }
  }
  if (/Permission denied \(/.test(said))
    return {
      rule: 'identity-refused',
      message: `${place} does not accept the key of this remote for user ${url.user}.`,
    }
  const why = dialled ?? lastWords(said)
  return {
    rule: 'upstream-unreachable',
    message: `${place} cannot be reached${why === undefined ? '' : ` (${safeText(why, 200)})`}. Nothing stale is served in its place.`,
  }
}

const lastWords = (said: string): string | undefined =>
  said
    .split(/[\r\n]+/)
    .find((line) => line !== '' && !/^(?:debug|OpenSSH_|Connection closed by UNKNOWN)/.test(line))
