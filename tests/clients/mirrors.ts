/** Registries and repositories of one small package each, as their clients ask for them. */
import { execFileSync, spawn } from 'node:child_process'
import { createHash } from 'node:crypto'
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import type { IncomingMessage, ServerResponse } from 'node:http'
import { dirname, join } from 'node:path'

/** What every package says when it is read. */
export const WORDS = 'hello from a package'

type Files = Readonly<Record<string, string>>

function write(folder: string, files: Files): void {
  for (const [name, text] of Object.entries(files)) {
    mkdirSync(dirname(join(folder, name)), { recursive: true })
    writeFileSync(join(folder, name), text)
  }
}

function zipped(folder: string, name: string, files: Files): Buffer {
  const script =
    'import json,sys,zipfile\nwith zipfile.ZipFile(sys.argv[1],"w") as z:\n for n,t in json.load(sys.stdin).items(): z.writestr(n,t)'
  execFileSync('python3', ['-c', script, join(folder, name)], { input: JSON.stringify(files) })
  return readFileSync(join(folder, name))
}

function tarred(folder: string, name: string, top: string, files: Files): Buffer {
  write(join(folder, `${name}.files`, top), files)
  execFileSync('tar', ['-C', join(folder, `${name}.files`), '-czf', join(folder, name), top])
  return readFileSync(join(folder, name))
}

const sha = (name: 'sha256' | 'sha512', bytes: Buffer, as: 'hex' | 'base64'): string =>
  createHash(name).update(bytes).digest(as)

/** Answers by host and path; what is not here is 404. */
export type Pages = Readonly<Record<string, string | Buffer>>

export function mirrors(folder: string): Readonly<Record<string, Pages>> {
  mkdirSync(folder, { recursive: true })
  const wheel = zipped(folder, 'demo-1.0-py3-none-any.whl', {
    'demo.py': `WORDS = '${WORDS}'\n`,
    'demo-1.0.dist-info/METADATA': 'Metadata-Version: 2.1\nName: demo\nVersion: 1.0\n',
    'demo-1.0.dist-info/WHEEL':
      'Wheel-Version: 1.0\nGenerator: none\nRoot-Is-Purelib: true\nTag: py3-none-any\n',
    'demo-1.0.dist-info/RECORD':
      'demo.py,,\ndemo-1.0.dist-info/METADATA,,\ndemo-1.0.dist-info/WHEEL,,\ndemo-1.0.dist-info/RECORD,,\n',
  })
  const tarball = tarred(folder, 'demo-1.0.0.tgz', 'package', {
    'package.json': '{"name":"demo","version":"1.0.0","main":"index.js"}',
    'index.js': `module.exports = '${WORDS}'\n`,
  })
  const crate = tarred(folder, 'demo-1.0.0.crate', 'demo-1.0.0', {
    'Cargo.toml': '[package]\nname = "demo"\nversion = "1.0.0"\nedition = "2021"\n',
    'src/lib.rs': `pub const WORDS: &str = "${WORDS}";\n`,
  })
  const module = 'module demo.test/mod\n'
  const zip = zipped(folder, 'mod.zip', {
    'demo.test/mod@v1.0.0/go.mod': module,
    'demo.test/mod@v1.0.0/words.go': `package mod\n\nconst Words = "${WORDS}"\n`,
  })
  const control = 'Package: demo\nVersion: 1.0\nArchitecture: all\nMaintainer: nobody <nobody@example.test>\n'
  return {
    'pypi.test': {
      '/simple/demo/': `<a href="/files/demo-1.0-py3-none-any.whl#sha256=${sha('sha256', wheel, 'hex')}">demo-1.0-py3-none-any.whl</a>`,
      '/files/demo-1.0-py3-none-any.whl': wheel,
    },
    'npm.test': {
      '/demo': JSON.stringify({
        name: 'demo',
        'dist-tags': { latest: '1.0.0' },
        versions: {
          '1.0.0': {
            name: 'demo',
            version: '1.0.0',
            dist: {
              tarball: 'https://npm.test/demo/-/demo-1.0.0.tgz',
              integrity: `sha512-${sha('sha512', tarball, 'base64')}`,
            },
          },
        },
      }),
      '/demo/-/demo-1.0.0.tgz': tarball,
    },
    'crates.test': {
      '/index/config.json': '{"dl":"https://crates.test/crates"}',
      '/index/de/mo/demo': `${JSON.stringify({ name: 'demo', vers: '1.0.0', deps: [], cksum: sha('sha256', crate, 'hex'), features: {}, yanked: false })}\n`,
      '/crates/demo/1.0.0/download': crate,
    },
    'go.test': {
      '/demo.test/mod/@v/v1.0.0.info': '{"Version":"v1.0.0","Time":"2026-01-01T00:00:00Z"}',
      '/demo.test/mod/@v/v1.0.0.mod': module,
      '/demo.test/mod/@v/v1.0.0.zip': zip,
    },
    'debian.test': debian(folder, control),
  }
}

function debian(folder: string, control: string): Pages {
  try {
    write(join(folder, 'deb'), {
      'DEBIAN/control': `${control}Description: ${WORDS}\n`,
      'usr/share/demo': WORDS,
    })
    execFileSync('dpkg-deb', ['-Znone', '-b', join(folder, 'deb'), join(folder, 'demo.deb')], {
      stdio: 'ignore',
    })
  } catch {
    return {}
  }
  const deb = readFileSync(join(folder, 'demo.deb'))
  const packages = `${control}Filename: pool/demo.deb\nSize: ${deb.length}\nSHA256: ${sha('sha256', deb, 'hex')}\nDescription: ${WORDS}\n`
  const listed = ` ${sha('sha256', Buffer.from(packages), 'hex')} ${packages.length} main/binary-amd64/Packages`
  return {
    '/repo/dists/stable/Release': `Suite: stable\nCodename: stable\nArchitectures: amd64\nComponents: main\nDate: Thu, 01 Jan 2026 00:00:00 UTC\nSHA256:\n${listed}\n`,
    '/repo/dists/stable/main/binary-amd64/Packages': packages,
    '/repo/pool/demo.deb': deb,
  }
}

export function servePages(pages: Pages) {
  return (request: IncomingMessage, response: ServerResponse): void => {
    const page = pages[new URL(request.url ?? '/', 'https://mirror.test').pathname]
    response.statusCode = page === undefined ? 404 : 200
    if (request.url?.startsWith('/simple/') === true) response.setHeader('Content-Type', 'text/html')
    response.end(page)
  }
}

// ── git ──────────────────────────────────────────────────────────────────────────────────────────

export function makeRepository(folder: string): void {
  const git = (...argv: readonly string[]): void =>
    void execFileSync('git', ['-C', folder, '-c', 'user.name=n', '-c', 'user.email=e@x.test', ...argv], {
      stdio: 'ignore',
    })
  write(join(folder, 'work'), { 'words.txt': WORDS })
  execFileSync('git', ['init', '-q', '-b', 'main', join(folder, 'work')])
  git('-C', 'work', 'add', '.')
  git('-C', 'work', 'commit', '-q', '-m', 'words')
  git('clone', '-q', '--bare', 'work', 'repo.git')
  git('-C', 'repo.git', 'config', 'http.receivepack', 'true')
}

/** Smart HTTP by git's own server program. */
export function serveGit(folder: string) {
  return (request: IncomingMessage, response: ServerResponse): void => {
    const url = new URL(request.url ?? '/', 'https://git.test')
    const said = request.headers
    const child = spawn('git', ['http-backend'], {
      env: {
        PATH: process.env['PATH'],
        GIT_PROJECT_ROOT: folder,
        GIT_HTTP_EXPORT_ALL: '1',
        REQUEST_METHOD: request.method,
        PATH_INFO: url.pathname,
        QUERY_STRING: url.search.slice(1),
        CONTENT_TYPE: said['content-type'] ?? '',
        ...(said['content-encoding'] !== undefined && { HTTP_CONTENT_ENCODING: said['content-encoding'] }),
        ...(typeof said['git-protocol'] === 'string' && { GIT_PROTOCOL: said['git-protocol'] }),
      },
    })
    child.stdin.on('error', () => {})
    request.pipe(child.stdin)
    const pieces: Buffer[] = []
    child.stdout.on('data', (piece: Buffer) => pieces.push(piece))
    child.once('close', () => {
      const all = Buffer.concat(pieces)
      const end = all.indexOf('\r\n\r\n')
      for (const line of all.toString('latin1', 0, end).split('\r\n')) {
        const [name = '', value = ''] = line.split(': ')
        if (name === 'Status') response.statusCode = Number.parseInt(value, 10)
        else response.setHeader(name, value)
      }
      response.end(all.subarray(end + 4))
    })
  }
}
