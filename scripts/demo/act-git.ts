/** The second act: a private repository at a real forge, a deploy key for one bottle, and what a push may not do. */
import { readFileSync, writeFileSync } from 'node:fs'
import { downForge, prepareForge, upForge } from '../labs/forge.ts'
import type { ForgeLab } from '../labs/forge.ts'
import { bridgeAddress, expect, narrate, openStage, show } from './stage.ts'

const UPSTREAM = 'gitea.demo.example'

export async function playGit(): Promise<void> {
  narrate('The second act needs a forge: Gitea, compiled once into the cache (some minutes), then started.')
  await prepareForge()
  const address = bridgeAddress()
  const forge = await upForge(`forge-demo-${process.pid}`, address)
  const stage = openStage('demo-git', { GITEA_ADMIN_TOKEN: forge.token })
  const { bottle } = stage
  const url = `ssh://git@${UPSTREAM}:${forge.ssh.port}/lab/app.git`
  const git = (...args: readonly string[]) =>
    bottle('exec', '--workdir', '/workspace/app', 'coder', '--', 'git', ...args)
  const commit = async (file: string, text: string, message: string): Promise<void> => {
    await bottle('exec', 'coder', '--', 'sh', '-c', `echo "${text}" > /workspace/app/${file}`)
    await git('add', file)
    await git('commit', '-qm', message)
  }
  try {
    describe(stage.manifest, { forge, address, url })
    await bottle('apply', '--yes')
    expect('the forge lists one key', (await deployKeys(forge)).length === 1)
    await bottle('keys')

    narrate(
      'The agent clones by the address of the upstream, commits, and pushes where it may. It holds no key.',
    )
    await bottle('exec', 'coder', '--', 'git', 'clone', '--quiet', url, '/workspace/app')
    await git('switch', '--quiet', '-c', 'agent/x')
    await commit('hello.txt', 'hello', 'Add a greeting')
    await git('log', '-1', '--format=%an <%ae>: %s')
    expect('agent/x is pushed', (await git('push', 'origin', 'agent/x')).code === 0)
    narrate(`Branches at the forge: ${(await branches(forge)).join(', ')}`)
    expect('the forge has agent/x', (await branches(forge)).includes('agent/x'))

    narrate('What it may not: main, the history of its own branch, a secret.')
    expect('main is refused', (await git('push', 'origin', 'HEAD:main')).code !== 0)
    await git('commit', '-q', '--amend', '-m', 'Another history')
    expect('a forced push is refused', (await git('push', '--force', 'origin', 'agent/x')).code !== 0)
    await git('reset', '-q', '--hard', 'origin/agent/x')
    await commit('.env', `GITLAB_TOKEN=${exampleToken()}`, 'Add settings')
    const leak = await git('push', 'origin', 'agent/x')
    expect('a pushed secret is refused', leak.code !== 0 && leak.out.includes('.env'))
    await bottle('keys')
  } finally {
    await bottle('destroy', '--yes')
    const left = await deployKeys(forge)
    narrate(`Deploy keys at the forge: ${left.length === 0 ? 'none' : left.join(', ')}`)
    expect('the forge lists no key', left.length === 0)
    await downForge(forge.name)
    stage.dispose()
  }
}

interface Place {
  readonly forge: ForgeLab
  readonly address: string
  readonly url: string
}

function describe(manifest: string, { forge, address, url }: Place): void {
  const placed = readFileSync(manifest, 'utf8')
    .replace('172.17.0.1', address)
    .replace(/ssh:\/\/\S+/, url)
    .replace('ssh-ed25519 AAAA', forge.ssh.hostKey)
    .replace(/http:\/\/\S+/, forge.api)
  writeFileSync(manifest, placed)
  narrate(`A private repository at ${forge.api.replace('/api/v1', '')}. The manifest a user would write:`)
  show(placed)
}

/** Of a shape that is looked for and a value that nobody has: made here, so that no file of this project holds it. */
const exampleToken = (): string => ['glpat', 'Zq7vK2mXw9RtB4nLp8Yd'].join('-')

async function ask(forge: ForgeLab, path: string): Promise<readonly Record<string, unknown>[]> {
  const answer = await fetch(`${forge.api}/repos/${forge.repository}/${path}`, {
    headers: { authorization: `token ${forge.token}` },
  })
  return (await answer.json()) as readonly Record<string, unknown>[]
}

const branches = async (forge: ForgeLab) => (await ask(forge, 'branches')).map(({ name }) => String(name))
const deployKeys = async (forge: ForgeLab) => (await ask(forge, 'keys')).map(({ title }) => String(title))
