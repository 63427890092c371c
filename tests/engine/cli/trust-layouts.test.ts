/** The bottle's root in the certificate store of its image, where each distribution keeps it. */
import { execFileSync } from 'node:child_process'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { baseImage } from '../../../src/drivers/docker/images/recipe.ts'
import { docker } from '../docker/stack.ts'
import { openProgram } from './program.ts'
import type { Program } from './program.ts'

const DEBIAN_STORE = '/etc/ssl/certs/ca-certificates.crt'
const FEDORA_STORE = '/etc/pki/ca-trust/extracted/pem/tls-ca-bundle.pem'

/** No registry that has images of the others is reached from everywhere: their files and links, where they have them. */
const LAYOUTS = {
  debian: { store: DEBIAN_STORE, lines: [] },
  alpine: {
    store: DEBIAN_STORE,
    lines: [
      `RUN cp ${DEBIAN_STORE} /all && rm -rf /etc/ssl/certs /usr/local/share/ca-certificates /usr/share/ca-certificates`,
      `RUN mkdir /etc/ssl/certs && mv /all ${DEBIAN_STORE} && ln -sf certs/ca-certificates.crt /etc/ssl/cert.pem`,
    ],
  },
  fedora: {
    store: FEDORA_STORE,
    lines: [
      `RUN mkdir -p /etc/pki/ca-trust/extracted/pem /etc/pki/ca-trust/source/anchors /etc/pki/tls/certs`,
      `RUN mv ${DEBIAN_STORE} ${FEDORA_STORE} && rm -rf /etc/ssl/certs && ln -s ../pki/tls/certs /etc/ssl/certs`,
      `RUN ln -s ${FEDORA_STORE} /etc/pki/tls/certs/ca-bundle.crt && ln -s ${FEDORA_STORE} /etc/pki/tls/cert.pem`,
    ],
  },
} as const
type Layout = keyof typeof LAYOUTS
const ALL = Object.keys(LAYOUTS) as readonly Layout[]

/** Reads a store as OpenSSL does: how many authorities there are, and the SHA-256 of each. */
const READ = `import ssl, sys, hashlib
context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
context.load_verify_locations(sys.argv[1])
print('\\n'.join(sorted(hashlib.sha256(der).hexdigest() for der in context.get_ca_certs(binary_form=True))))`

let program: Program
let applied = ''
const imageOf = (layout: Layout) => `bot-bottle-test/${program.stack}:${layout}`
const digests = (text: string) => text.trim().split('\n')

beforeAll(async () => {
  program = openProgram('trust')
  for (const layout of ALL) {
    const input = `FROM ${baseImage().tag}\n${LAYOUTS[layout].lines.join('\n')}\n`
    execFileSync('docker', ['build', '-q', '-t', imageOf(layout), '-'], {
      input,
      env: { ...process.env, DOCKER_BUILDKIT: '0' },
    })
  }
  program.manifest(
    `bottles:\n${ALL.map((layout) => `  ${layout}:\n    image: ${imageOf(layout)}\n    resources: { pids: 64 }\n`).join('')}`,
  )
  applied = (await program.must('apply --output events')).out
})
afterAll(async () => {
  await program?.run('destroy --yes')
  for (const layout of ALL) docker('rmi', '-f', imageOf(layout))
  program?.dispose()
})

it.each([
  ['debian', 'as it is', 'debian'],
  ['alpine', 'laid out by hand', 'debian'],
  ['fedora', 'laid out by hand', 'fedora'],
] as const)(
  'of %s (%s) has exactly one certificate more: the root that the bottle is known by',
  async (layout, _how, helpersName) => {
    const { store } = LAYOUTS[layout]
    const before = digests(
      docker('run', '--rm', '--network', 'none', imageOf(layout), 'python3', '-c', READ, store),
    )
    const after = digests((await program.must(['exec', layout, '--', 'python3', '-c', READ, store])).out)
    const more = after.filter((digest) => !before.includes(digest))
    expect(after).toHaveLength(before.length + 1)
    expect(more).toHaveLength(1)
    const [root = ''] = more
    const told = docker(
      'exec',
      `bb_${program.stack}_${layout}_agent`,
      '/.bb/guest',
      'trust',
      'check',
      '--fingerprint',
      root,
    )
    expect(JSON.parse(told)).toMatchObject({
      bundle: store,
      fingerprint: root,
      before: before.length,
      after: after.length,
      roots: [root],
    })
    expect(applied).toContain(
      `root certificate ${root} installed (${helpersName}: ${before.length} certificates before, ${after.length} after)`,
    )
  },
)
