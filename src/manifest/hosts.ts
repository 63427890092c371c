/** Hosts as a manifest may name them: canonical form, and the ones nobody may declare. */
import { domainToASCII } from 'node:url'
import { isIPv4, isIPv6 } from 'node:net'
import { quoted } from './report.ts'

export interface HostProblem {
  readonly code: 'bad-host' | 'ip-host' | 'metadata-host' | 'local-host' | 'wildcard-too-wide'
  readonly message: string
  readonly hint?: string
}

export type HostReading = { readonly host: string } | HostProblem

/** Names under which clouds hand out credentials of the machine (containment.md, PXY-05). */
const METADATA_NAMES = [
  'metadata.google.internal',
  'metadata.goog',
  'metadata',
  'instance-data',
  'instance-data.ec2.internal',
  'metadata.azure.internal',
  'metadata.tencentyun.com',
]
const METADATA_ADDRESSES = new Set([
  '169.254.169.254',
  '169.254.170.2',
  '169.254.170.23',
  'fd00:ec2::254',
  'fd00:ec2::23',
  'fd20:ce::254',
  '100.100.100.200',
  '192.0.0.192',
  '168.63.129.16',
])

/** `isIP`, but a host name pays neither for loading `node:net` nor for the pattern of IPv6 (5 ms of a start). */
function isAddress(text: string): boolean {
  return text.includes(':') ? isIPv6(text) : /^[\d.]+$/.test(text) && isIPv4(text)
}

/** Lower-case A-label without a trailing dot, or what is wrong with it. */
export function readHost(written: string): HostReading {
  const shown = quoted(written)
  if (written === '') return { code: 'bad-host', message: 'the host is empty' }
  if (/^[a-z][a-z0-9+.-]*:\/\//i.test(written))
    return {
      code: 'bad-host',
      message: `${shown} is a URL; a route names the host only`,
      hint: `host: ${hostOfUrl(written)}, and the path under \`matches\``,
    }
  const bracketed = /^\[([^\]]*)\]$/.exec(written)?.[1] ?? written
  if (isAddress(bracketed) || isNumericHost(written)) return addressProblem(bracketed, shown)
  if (written.includes(':'))
    return {
      code: 'bad-host',
      message: `${shown} is not a host name`,
      hint: 'the port is a key of its own: `port`',
    }
  const wildcard = written.startsWith('*.')
  const name = wildcard ? written.slice(2) : written
  if (name.includes('*') || name === '')
    return {
      code: 'bad-host',
      message: `${shown} is not a host name`,
      hint: '`*.` at the beginning covers exactly one label more; there is no route to everything',
    }
  const ascii = asciiName(name)
  if (ascii === undefined) return { code: 'bad-host', message: `${shown} is not a host name` }
  if (wildcard && !ascii.includes('.'))
    return {
      code: 'wildcard-too-wide',
      message: `${shown} would allow every name under a top-level domain`,
      hint: 'name the domain: *.acme.example',
    }
  const metadata = METADATA_NAMES.find((one) =>
    wildcard ? one.slice(one.indexOf('.') + 1) === ascii : one === ascii,
  )
  if (metadata !== undefined)
    return {
      code: 'metadata-host',
      message: `${shown} leads to the metadata service of a cloud, which hands out the machine's own credentials; it cannot be declared`,
    }
  if (ascii === 'localhost' || ascii.endsWith('.localhost'))
    return { code: 'local-host', message: `${shown} is this machine; a bottle never reaches it` }
  return { host: wildcard ? `*.${ascii}` : ascii }
}

/** A name in canonical form, without wildcard; `undefined` when it is none. */
export function asciiName(name: string): string | undefined {
  if (/[\s/\\@?#%\p{Cc}]/u.test(name)) return undefined
  const ascii = domainToASCII(name.toLowerCase()).replace(/\.$/, '')
  if (ascii.length === 0 || ascii.length > 253) return undefined
  const labels = ascii.split('.')
  return labels.every((label) => /^[a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9_])?$/.test(label)) &&
    !isNumericHost(ascii)
    ? ascii
    : undefined
}

export function isMetadataAddress(address: string): boolean {
  return METADATA_ADDRESSES.has(address.toLowerCase())
}

export function isLinkLocal(address: string): boolean {
  return address.startsWith('169.254.') || /^fe[89ab][0-9a-f]:/i.test(address)
}

function addressProblem(address: string, shown: string): HostProblem {
  if (isMetadataAddress(address) || isLinkLocal(address)) {
    return {
      code: 'metadata-host',
      message: `${shown} is the address of a metadata service, which hands out the machine's own credentials; it cannot be declared`,
    }
  }
  return {
    code: 'ip-host',
    message: `${shown} is an address; a route names a host, so that its certificate can be checked`,
    hint: 'give it a name under `uplink.hosts` and declare that',
  }
}

/** What a URL parser would take for an IPv4 address: a last label of digits or 0x… */
function isNumericHost(host: string): boolean {
  return /(^|\.)([0-9]+|0x[0-9a-f]*)\.?$/i.test(host)
}

function hostOfUrl(url: string): string {
  const host = /^[a-z][a-z0-9+.-]*:\/\/(?:[^/@]*@)?([^/:?#]+)/i.exec(url)?.[1]
  return host === undefined ? 'the name' : quoted(host)
}
