/** The certificates under `uplink.trust`: read once, checked, handed on as PEM. */
import { X509Certificate } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import { at, itemsOf, text, type MapNode } from './node.ts'
import { quoted, type Report } from './report.ts'
import { pathFrom } from './secret-ref.ts'

/** Bytes of one file. */
const TRUST_MAX = 1024 * 1024

/** Where the certificates lie. */
export function trustPaths(
  root: MapNode,
  folderOf: (file: string) => string,
  home: string | undefined,
): readonly string[] {
  return itemsOf(at(root, 'uplink', 'trust')).flatMap(({ value }) => {
    const written = text(value)
    return written === undefined ? [] : [pathFrom(folderOf(value.place.file), written, home)]
  })
}

export async function readTrust(
  root: MapNode,
  folderOf: (file: string) => string,
  home: string | undefined,
  report: Report,
): Promise<readonly string[]> {
  const found: string[] = []
  for (const { value } of itemsOf(at(root, 'uplink', 'trust'))) {
    const written = text(value)
    if (written === undefined) continue
    try {
      const pem = await readFile(pathFrom(folderOf(value.place.file), written, home), 'utf8')
      if (/-----BEGIN [A-Z ]*PRIVATE KEY-----/.test(pem)) {
        report.error(
          'bad-certificate',
          value.place,
          `${quoted(written)} holds a private key`,
          'name a file with certificates only',
        )
      } else if (pem.length > TRUST_MAX || !isCertificates(pem)) {
        report.error('bad-certificate', value.place, `${quoted(written)} is not a PEM file with certificates`)
      } else found.push(pem)
    } catch (cause) {
      const code = (cause as NodeJS.ErrnoException).code
      report.error(
        'file-missing',
        value.place,
        code === 'ENOENT'
          ? `there is no file ${quoted(written)}`
          : `${quoted(written)} cannot be read (${code ?? 'unknown error'})`,
        'relative paths count from the file that says them',
      )
    }
  }
  return found
}

function isCertificates(pem: string): boolean {
  const blocks = pem.match(/-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g) ?? []
  try {
    return blocks.length > 0 && blocks.every((block) => new X509Certificate(block).subject !== undefined)
  } catch {
    return false
  }
}
