/** What agents fetch with, in every built-in image: by the proxy variables and without them, and what an undeclared host says. */
import { execFileSync } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import type { IncomingMessage, ServerResponse } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { openHost, type Host } from '../../../scripts/labs/model-api/api.ts'
import { DEFAULT_BASE } from '../../../src/drivers/docker/images/recipe.ts'
import { makeRepository, mirrors, serveGit, servePages, WORDS, type Pages } from '../../clients/mirrors.ts'
import { openProgram, type Ended, type Program } from '../cli/program.ts'
import { docker } from '../docker/stack.ts'
import { applied, removed } from './applied.ts'
import { ADDED, BUILT_IN, dockerfile, HOSTS, TOOLCHAINS } from './clients.ts'

const isLong = process.env['BOT_BOTTLE_LONG'] === '1'
const packages = ['wget', 'python3-pip', 'python3-requests', ...(isLong ? ['golang-go', 'cargo-web'] : [])]
/** With all that it needs in its archive. */
const NPM = 'npm@11.6.2'
const IMAGES = ['base', 'claude', 'codex', 'pi'] as const
const EVERYWHERE = [...IMAGES, 'added']
const ADDITIONAL = isLong ? [...ADDED, ...TOOLCHAINS] : ADDED

let host: Host
let program: Program
const folder = mkdtempSync(join(tmpdir(), 'bb-mirrors-'))

beforeAll(async () => {
  const pages: Readonly<Record<string, Pages>> = {
    ...mirrors(folder),
    'pages.test': { '/words': `${WORDS}\n` },
  }
  makeRepository(folder)
  const git = serveGit(folder)
  host = await openHost((request: IncomingMessage, response: ServerResponse) => {
    const { host: asked = '' } = request.headers
    if (asked === 'git.test') git(request, response)
    else servePages(pages[asked] ?? {})(request, response)
  })
  program = openProgram('clients')
  const archive = execFileSync('npm', ['pack', '--silent', NPM], { cwd: folder, encoding: 'utf8' }).trim()
  execFileSync('tar', ['-C', program.folder, '-xzf', join(folder, archive)])
  writeFileSync(join(program.folder, 'added.docker'), dockerfile(packages))
  const names = HOSTS.map((name) => `${name}.test`)
  const routes = names.map((name) =>
    name === 'git.test'
      ? `{ host: ${name}, allow_private: true, git: { fetch: true } }`
      : `{ host: ${name}, allow_private: true, matches: [{ methods: [GET, HEAD] }] }`,
  )
  await applied(
    program,
    host,
    names,
    `bottles:
  base:
    resources: { memory: 512MiB, pids: 256 }
    egress: { log: all, routes: [${routes.join(', ')}] }
  claude: { extends: base, agent_provider: { template: claude } }
  codex: { extends: base, agent_provider: { template: codex } }
  pi:
    extends: base
    agent_provider:
      template: pi
      settings: { provider: acme, base_url: https://llm.acme.example/v1, model: large, api: openai-responses }
  added:
    extends: base
    agent_provider: { template: codex, dockerfile: added.docker, build: { context: [package] } }
`,
  )
}, 600_000)
afterAll(async () => {
  await removed(program, host)
  const added = docker('images', '-q', 'bot-bottle/added')
  if (added !== '') docker('rmi', '-f', ...added.split('\n'))
  rmSync(folder, { recursive: true, force: true })
})

/** Clients that read no proxy variable find the same door where the name leads; a name that is not declared leads nowhere. */
const PLAIN = 'unset HTTPS_PROXY https_proxy HTTP_PROXY http_proxy ALL_PROXY all_proxy'
const WAYS = [
  // curl, git and node show the status of the tunnel alone.
  [
    'by its proxy variables',
    ':',
    /is not declared for this bottle|CONNECT tunnel failed, response 403|cancelled/,
  ],
  ['without them', PLAIN, /resolve|ENOTFOUND|not known|lookup/],
] as const

const inBottle = (bottle: string, ...argv: readonly string[]): Promise<Ended> =>
  program.run(['exec', bottle, '--', ...argv], { limit: 120_000 })

/** What each line said, with its exit code; all in one start, each in a folder of its own. */
async function ranIn(bottle: string, prepare: string, lines: readonly string[]): Promise<readonly Said[]> {
  const each = `${prepare}
for line; do cd "$(mktemp -d)"; code=0; sh -ec "$line" 2>&1 || code=$?; echo; echo "=== $code"; done`
  const { out } = await inBottle(bottle, 'sh', '-c', each, 'sh', ...lines)
  return [...out.matchAll(/([^]*?)^=== (\d+)$/gm)].map(([, text = '', code]) => ({
    code: Number(code),
    text,
  }))
}

interface Said {
  readonly code: number
  readonly text: string
}

const cases = EVERYWHERE.flatMap((bottle) =>
  WAYS.map(([way, prepare, refused]) => ({
    bottle,
    way,
    prepare,
    refused,
    clients: bottle === 'added' ? ADDITIONAL : BUILT_IN,
  })),
)

describe.each(cases)('the programs of $bottle, $way', ({ bottle, prepare, refused, clients }) => {
  const names = clients.map(([name]) => name)

  it(`fetch what is declared: ${names.join(', ')}`, async () => {
    const said = await ranIn(
      bottle,
      prepare,
      clients.map(([, line]) => line('test')),
    )
    const wrong = said.flatMap(({ code, text }, index) =>
      code === 0 && text.includes(WORDS) ? [] : [`${names[index]} ended with ${code}: ${text}`],
    )
    expect([said.length, wrong]).toEqual([clients.length, []])
  })

  it('are refused in words what is not', async () => {
    const said = await ranIn(
      bottle,
      prepare,
      clients.map(([, line]) => line('example')),
    )
    const wrong = said.flatMap(({ code, text }, index) =>
      code !== 0 && refused.test(text) && !text.includes(WORDS)
        ? []
        : [`${names[index]} ended with ${code}: ${text}`],
    )
    expect([said.length, wrong]).toEqual([clients.length, []])
  })
})

it.each(IMAGES)('%s has none of the programs that a Dockerfile adds', async (bottle) => {
  const asked = ['wget', 'npm', 'cargo', 'go', 'pip', 'pip3']
  const [found, ...modules] = await ranIn(bottle, ':', [
    `for name in ${asked.join(' ')}; do command -v $name || true; done`,
    'python3 -c "import pip"',
    'python3 -c "import requests"',
  ])
  // The base that a registry serves has two of them.
  const pulled = docker('images', '-q', DEFAULT_BASE) === '' ? [] : ['/usr/bin/wget', '/usr/local/bin/npm']
  expect(found?.text.split('\n').filter((path) => path !== '')).toEqual(pulled)
  expect(modules.map(({ code }) => code)).toEqual([1, 1])
})

it.each(IMAGES)('%s says why over http, and apt whose right installing is', async (bottle) => {
  const [http, apt] = await ranIn(bottle, ':', [
    'curl -sS http://pages.example/words',
    'apt-get install -y demo',
  ])
  expect(http?.text).toContain('bot-bottle: pages.example is not declared for this bottle')
  expect(apt?.code).toBe(100)
  expect(apt?.text).toMatch(/Permission denied[^]*are you root\?/)
})
