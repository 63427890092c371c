/** The stack's way out: fixed addresses, resolvers, the site's proxy. */
import { isIP } from 'node:net'
import { at, entriesOf, itemsOf, text, type Node } from '../node.ts'
import { asciiName, isLinkLocal, isMetadataAddress } from '../hosts.ts'
import { quoted, type Report } from '../report.ts'

export function checkUplink(uplink: Node | undefined, report: Report): void {
  for (const { key: host, place, value } of entriesOf(at(uplink, 'hosts'))) {
    if (asciiName(host) === undefined) report.error('bad-host', place, `${quoted(host)} is not a host name`)
    checkAddress(value, report)
  }
  for (const { value } of itemsOf(at(uplink, 'dns'))) checkAddress(value, report)
  const proxy = at(uplink, 'proxy')
  const written = text(proxy)
  if (proxy && written !== undefined) checkProxy(proxy, written, report)
  for (const { value } of itemsOf(at(uplink, 'no_proxy'))) {
    const suffix = text(value)
    if (suffix !== undefined && asciiName(suffix.replace(/^\./, '')) === undefined && isIP(suffix) === 0) {
      report.error(
        'bad-host',
        value.place,
        `${quoted(suffix)} is neither a host name nor a suffix`,
        'for example gitea.acme.example or .acme.example',
      )
    }
  }
}

function checkAddress(node: Node, report: Report): void {
  const address = text(node)
  if (address === undefined) return
  if (isIP(address) === 0) report.error('bad-address', node.place, `${quoted(address)} is not an IP address`)
  else if (isMetadataAddress(address) || isLinkLocal(address))
    report.error(
      'metadata-host',
      node.place,
      `${quoted(address)} is an address of a metadata service; it cannot be declared`,
    )
}

function checkProxy(node: Node, written: string, report: Report): void {
  const url = URL.canParse(written) ? new URL(written) : undefined
  if (
    url?.protocol !== 'http:' ||
    (url.pathname !== '/' && url.pathname !== '') ||
    url.search !== '' ||
    url.hash !== ''
  ) {
    report.error(
      'bad-url',
      node.place,
      `${quoted(written.replace(/\/\/[^/@]*@/, '//…@'))} is not the URL of a proxy`,
      'for example http://proxy.acme.example:3128',
    )
  } else if (url.username !== '' || url.password !== '') {
    report.error(
      'secret-in-manifest',
      node.place,
      'a proxy URL here carries no user and no password',
      'use a proxy that knows this machine, or a local forwarder that signs in',
    )
  }
}
