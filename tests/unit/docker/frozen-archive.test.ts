/** What becomes of a container's file system on its way into a frozen image, on archives as engines export them. */
import { X509Certificate } from 'node:crypto'
import { execFileSync } from 'node:child_process'
import {
  chmodSync,
  linkSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { Readable } from 'node:stream'
import { buffer } from 'node:stream/consumers'
import { afterEach, describe, expect, it } from 'vitest'
import { cleaned } from '../../../src/drivers/docker/freeze/cleaned.ts'
import { SYSTEM } from '../../../src/drivers/docker/guest-git.ts'
import { createRoot } from '../../../src/model/x509.ts'

const PLACEHOLDER = `bot_bottle_placeholder_${'0f'.repeat(16)}`
const CANARY = 'k3Jh5Gf7Ds9Aq1Wz2Xe4Cr6Vt8By0Nu1M'
const MARKS = [
  { begin: 'bot_bottle_placeholder_', length: PLACEHOLDER.length },
  { begin: CANARY, length: CANARY.length },
]
const rootOf = (name: string) =>
  createRoot({ commonName: name, notBefore: new Date(0), notAfter: new Date(4e12) })
const ROOT = rootOf('bot-bottle acme dev')
const OTHER = rootOf('An authority of the system').certificate
const PRINT = new X509Certificate(ROOT.certificate).fingerprint256.replaceAll(':', '').toLowerCase()
const OURS = `# bot-bottle root ${PRINT}\n${ROOT.certificate}`

const folders: string[] = []
afterEach(() => {
  for (const folder of folders.splice(0)) rmSync(folder, { recursive: true, force: true })
})
function aFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'bb-frozen-'))
  folders.push(folder)
  return folder
}

interface Tree {
  readonly files?: Readonly<Record<string, string>>
  /** Hard links: new name by old one. */
  readonly names?: Readonly<Record<string, string>>
  readonly links?: Readonly<Record<string, string>>
}

/** GNU tar with extended headers, sorted as the engine walks; the pieces are as small as a socket may cut them. */
function exported({ files = {}, names = {}, links = {} }: Tree, format = 'pax'): Readable {
  const folder = aFolder()
  const place = (path: string): string => {
    mkdirSync(dirname(join(folder, path)), { recursive: true })
    return join(folder, path)
  }
  for (const [path, text] of Object.entries(files)) writeFileSync(place(path), text)
  for (const [path, old] of Object.entries(names)) linkSync(join(folder, old), place(path))
  for (const [path, target] of Object.entries(links)) symlinkSync(target, place(path))
  if ('usr/bin/tool' in files) chmodSync(join(folder, 'usr/bin/tool'), 0o4755)
  const bytes = execFileSync(
    'tar',
    ['-c', '--sort=name', `--format=${format}`, '--transform=s,^\\./,,', '-C', folder, '.'],
    { maxBuffer: 1 << 26 },
  )
  const pieces = function* () {
    for (let at = 0; at < bytes.length; at += 777) yield Buffer.from(bytes.subarray(at, at + 777))
  }
  return Readable.from(pieces(), { objectMode: false })
}

/** Unpacked by GNU tar, which believes nothing. */
async function kept(tree: Tree, format?: string) {
  const { archive, leftOut } = cleaned(exported(tree, format), MARKS)
  const bytes = await buffer(archive)
  const folder = aFolder()
  execFileSync('tar', ['-x', '-C', folder], { input: bytes, stdio: ['pipe', 'ignore', 'inherit'] })
  const listed = execFileSync('tar', ['-tv', '--numeric-owner'], { input: bytes }).toString()
  const paths = execFileSync('find', ['.', '-not', '-type', 'd'], { cwd: folder })
    .toString()
    .trim()
    .split('\n')
  return {
    paths: paths.map((path) => path.slice(2)).sort(),
    text: (path: string) => readFileSync(join(folder, path), 'utf8'),
    bytes,
    listed,
    leftOut: leftOut(),
  }
}

describe('what is kept', () => {
  it('is every other entry, byte for byte, with its mode, links and long names', async () => {
    const long = `opt/${'d'.repeat(90)}/${'e'.repeat(90)}/${'f'.repeat(120)}`
    const tree = {
      files: {
        'usr/bin/tool': '#!/bin/sh\n',
        [long]: 'far',
        'opt/large': 'abcdefg'.repeat(300_000),
        'opt/none': '',
      },
      names: { 'opt/same': 'opt/large' },
      links: { 'opt/way': `../${'x'.repeat(150)}` },
    }
    for (const format of ['pax', 'gnu']) {
      const { paths, text, listed, leftOut } = await kept(tree, format)
      expect(paths).toEqual(['opt/large', 'opt/none', 'opt/same', 'opt/way', 'usr/bin/tool', long].sort())
      expect(text('opt/large')).toBe(tree.files['opt/large'])
      expect(text('opt/same')).toBe(tree.files['opt/large'])
      expect(text(long)).toBe('far')
      expect(listed).toMatch(/-rwsr-xr-x.* usr\/bin\/tool/)
      expect(leftOut).toEqual({ ownFiles: 0, roots: 0, blanked: [], blankedMore: 0, marked: 0 })
    }
  })

  it('is nothing of an archive that ends in the middle', async () => {
    const whole = await buffer(exported({ files: { 'opt/large': 'x'.repeat(100_000) } }))
    const cut = Readable.from([whole.subarray(0, 60_000)], { objectMode: false })
    await expect(buffer(cleaned(cut, MARKS).archive)).rejects.toMatchObject({ code: 'export-unreadable' })
  })
})

describe('what provisioning wrote', () => {
  it('(ISO-13) is left out with every name of it, environment, roots and git alike', async () => {
    const { paths, leftOut, bytes } = await kept({
      files: {
        '.dockerenv': '',
        'etc/bot-bottle/environment.json': `{"TOKEN":"${PLACEHOLDER}"}`,
        'etc/bot-bottle/root.pem': ROOT.certificate,
        'etc/bot-bottled': 'another program',
      },
      names: { 'var/tmp/again': 'etc/bot-bottle/environment.json' },
    })
    expect(paths).toEqual(['etc/bot-bottled'])
    expect(leftOut.ownFiles).toBe(2)
    expect(bytes.includes(PLACEHOLDER)).toBe(false)
  })

  it('(ISO-13) a root of ours goes out of every store, and every other byte of it stays', async () => {
    const system = `# comment\n${OTHER}`
    const { paths, text, leftOut, bytes } = await kept({
      files: {
        'etc/ssl/certs/ca-certificates.crt': `${system}${OURS}`,
        'etc/ssl/certs/0a1b2c3d.0': OURS,
        'etc/ssl/certs/plain.pem': OTHER,
        'usr/local/share/ca-certificates/bot-bottle.crt': OURS,
      },
    })
    expect(paths).toEqual(['etc/ssl/certs/ca-certificates.crt', 'etc/ssl/certs/plain.pem'])
    expect(text('etc/ssl/certs/ca-certificates.crt')).toBe(system)
    expect(leftOut.roots).toBe(3)
    expect(bytes.includes(ROOT.certificate.split('\n')[2] ?? '')).toBe(false)
  })

  it('a mark that is not followed by its certificate takes no certificate with it', async () => {
    const odd = `# bot-bottle root ${'0'.repeat(64)}\n${OTHER}`
    const { text, leftOut } = await kept({ files: { 'etc/ssl/certs/ca-certificates.crt': odd } })
    expect([text('etc/ssl/certs/ca-certificates.crt'), leftOut.roots]).toEqual([odd, 0])
  })

  it.each([
    ['says what the image said', '[core]\n\tpager = cat\n', '[core]\n\tpager = cat\n'],
    ['is not there where the image had none', '', undefined],
  ])("git's file for every user %s", async (_, image, after) => {
    const { paths, text } = await kept({
      files: { 'etc/bot-bottle/gitconfig.image': image, 'etc/gitconfig': SYSTEM, 'etc/hostname': '' },
    })
    expect(paths).toEqual(after === undefined ? ['etc/hostname'] : ['etc/gitconfig', 'etc/hostname'])
    if (after !== undefined) expect(text('etc/gitconfig')).toBe(after)
  })

  it("git's file that somebody wrote stays as it is", async () => {
    const { text } = await kept({ files: { 'etc/gitconfig': '[user]\n\tname = me\n' } })
    expect(text('etc/gitconfig')).toBe('[user]\n\tname = me\n')
  })
})

describe('a placeholder or the canary', () => {
  it('(ISO-13) is blanked wherever the agent wrote it, however it is cut, and said with its file', async () => {
    const around = 'y'.repeat(70_000)
    const { text, leftOut, bytes } = await kept({
      files: {
        'var/tmp/env': `A=1\nTOKEN=${PLACEHOLDER}\nKEY=${CANARY}\n`,
        'var/tmp/far': `${around}${PLACEHOLDER}${around}${PLACEHOLDER}`,
        'var/tmp/short': 'bot_bottle_placeholder_0f',
        'etc/ssl/note': CANARY,
      },
    })
    expect(text('var/tmp/env')).toBe(`A=1\nTOKEN=${'x'.repeat(55)}\nKEY=${'x'.repeat(CANARY.length)}\n`)
    expect(text('var/tmp/far')).toBe(`${around}${'x'.repeat(55)}${around}${'x'.repeat(55)}`)
    expect(text('var/tmp/short')).toBe('bot_bottle_placeholder_0f')
    expect(leftOut.blanked).toEqual(['/etc/ssl/note', '/var/tmp/env', '/var/tmp/far'])
    for (const mark of [PLACEHOLDER, CANARY]) expect(bytes.includes(mark)).toBe(false)
  })

  it('(ISO-13) in a name or a target takes its entry along, and what is linked to it', async () => {
    const { paths, leftOut } = await kept({
      files: { [`var/tmp/${PLACEHOLDER}`]: 'x', 'var/tmp/plain': 'y' },
      names: { 'var/tmp/zz': `var/tmp/${PLACEHOLDER}` },
      links: { 'var/tmp/link': `/${CANARY}` },
    })
    expect(paths).toEqual(['var/tmp/plain'])
    expect(leftOut.marked).toBe(2)
  })
})
