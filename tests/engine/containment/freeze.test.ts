/** A bottle whose agent wrote down everything it could see, frozen; and what begins from that image. */
import { randomBytes } from 'node:crypto'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import type { Readable } from 'node:stream'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { openProxy, type Proxy } from '../docker/proxy.ts'
import { docker } from '../docker/stack.ts'
import { inContainer } from './replica.ts'
import { openWhole, type Ran, type Whole } from './whole.ts'

const SECRET = `s3-${randomBytes(24).toString('hex')}`
const MANIFEST = `bottles:
  a:
    resources: { memory: 256MiB, pids: 128 }
    env: { TOKEN: { env: API_TOKEN, placeholder: true } }
    git: { user: { name: One, email: one@example.org } }
    egress:
      routes:
        - host: api.example
          matches: [{ methods: [GET], paths: [{ prefix: /x/ }] }]
          auth: { scheme: bearer, token_ref: API_TOKEN }
`

let whole: Whole
let engine: Proxy
let frozen: Ran
/** Whether the agent container ran, at each call that reads its file system. */
const runningWhileRead: string[] = []
/** What must not be in the image, by what it is. */
let needles: Readonly<Record<string, string>>
let before: unknown
let image: string

/** The agent's hardening as the engine has it, without what differs between two containers of one bottle. */
const hardening = (): unknown => {
  const format = '{{json .HostConfig}} {{json .Config.Entrypoint}} {{json .Config.User}} {{json .Config.Env}}'
  return docker('inspect', '-f', format, whole.names('a').agent).replace(
    /container:[0-9a-f]+/,
    'container:HOLDER',
  )
}

beforeAll(async () => {
  whole = openWhole(MANIFEST, { API_TOKEN: SECRET })
  await whole.apply()
  await whole.exec(
    'a',
    'sh',
    '-c',
    'mkdir /var/tmp/tool && echo installed > /var/tmp/tool/it && env > /var/tmp/env && ' +
      'cp /etc/bot-bottle/environment.json /var/tmp && cat /etc/bot-bottle/root.pem > /home/agent/root.pem',
  )
  const environment = (await whole.exec('a', 'cat', '/etc/bot-bottle/environment.json')).out
  const { TOKEN = '', ...rest } = JSON.parse(environment) as Readonly<Record<string, string>>
  const canary = Object.entries(rest).find(
    ([name, value]) => /_(KEY|TOKEN)$/.test(name) && value.length === 32,
  )
  const keys = readdirSync(whole.home, { recursive: true, encoding: 'utf8' }).filter((name) =>
    name.endsWith('root-a.pem'),
  )
  const pem = readFileSync(join(whole.home, keys[0] ?? ''), 'utf8')
  const bodyOf = (kind: string): string =>
    new RegExp(`BEGIN ${kind}-----\n[^\n]*\n([^\n]{20,})\n`).exec(pem)?.[1] ?? ''
  needles = {
    placeholder: TOKEN,
    canary: canary?.[1] ?? '',
    'certificate of its authority': bodyOf('CERTIFICATE'),
    'key of its authority': bodyOf('(?:EC )?PRIVATE KEY'),
    'value of the secret': SECRET,
  }
  before = hardening()
  engine = await openProxy(`/tmp/bb-freeze-${process.pid}.sock`, () => {})
  engine.heard((_, url) => {
    if (/\/(archive|export|commit)\b/.test(url))
      runningWhileRead.push(docker('inspect', '-f', '{{.State.Running}}', whole.names('a').agent))
  })
  frozen = await whole.run(['freeze', 'a', '--tag', 'once'], {
    env: { DOCKER_HOST: `unix://${engine.socket}` },
  })
  image = `bot-bottle/frozen/${whole.stack}/a:once`
}, 300_000)

afterAll(async () => {
  await engine?.close()
  await whole?.down()
  if (image) docker('rmi', '-f', image)
})

describe('a frozen image', () => {
  it('says what it left out, and the bottle goes on', async () => {
    expect([frozen.code, frozen.err.includes('halted')]).toEqual([0, true])
    expect(frozen.out).toContain(`a is frozen: ${image}`)
    expect(frozen.out).toContain('  a placeholder or the canary in /var/tmp/env, blanked there')
    expect(frozen.out).toContain('/workspace and /home/agent: they are volumes')
    expect((await whole.run(['diff'])).code).toBe(0)
    expect((await whole.run(['status'])).out).toMatch(/a was frozen .* ago: once/)
  })

  it('[ISO-13] has nothing of the bottle in its files, its configuration or its history', async () => {
    for (const [what, needle] of Object.entries(needles)) expect(needle.length, what).toBeGreaterThan(19)
    const { agent } = whole.names('a')
    const container = await found(['export', agent], needles)
    expect(container, 'control: the same look finds them in the container').toEqual(
      expect.arrayContaining(['placeholder', 'canary', 'certificate of its authority']),
    )
    expect(await found(['save', image], needles)).toEqual([])
    const said = docker('inspect', image) + docker('history', '--no-trunc', image)
    expect(Object.entries(needles).filter(([, needle]) => said.includes(needle))).toEqual([])
    expect(JSON.parse(docker('inspect', '-f', '{{json .Config.Env}}', image))).toEqual([
      expect.stringMatching(/^PATH=/),
    ])
    expect(docker('inspect', '-f', '{{.Config.Entrypoint}}', image), 'none of the container').not.toContain(
      'guest',
    )
  })

  it('(HST-11) was read while nothing of the bottle ran', () => {
    expect(runningWhileRead).toEqual(['false'])
  })

  it('is not made twice under one name, and a name that is none is refused', async () => {
    const again = await whole.run(['freeze', 'a', '--tag', 'once'])
    expect([again.code, again.err]).toEqual([5, expect.stringContaining('choose another --tag')])
    expect((await whole.run(['freeze', 'a', '--tag', 'No/Name'])).code).toBe(2)
  })
})

describe('a bottle that begins from it', () => {
  it('(ISO-06) has the hardening and the network of any other', async () => {
    docker('rm', '-f', whole.names('a').agent)
    const planned = await whole.run(['diff'])
    expect(planned.out).toContain('a begins from frozen image once')
    await whole.apply()
    expect(docker('inspect', '-f', '{{.Config.Image}}', whole.names('a').agent)).toBe(image)
    expect(hardening()).toEqual(before)
    expect((await whole.run(['diff'])).code).toBe(0)
    const look = `print(json.dumps([connect('1.1.1.1', 443, 0.3), connect('127.0.0.1', 909), sorted(os.listdir('/sys/class/net'))]))`
    expect(await inContainer(whole.names('a').agent, look, '1000:1000')).toEqual([
      'ENETUNREACH',
      'CONNECTED',
      ['lo'],
    ])
    expect((await whole.exec('a', 'cat', '/var/tmp/tool/it')).out).toBe('installed\n')
    expect((await whole.exec('a', 'git', 'config', 'user.name')).out).toBe('One\n')
  })

  it('(ISO-13) made anew as a whole, trusts another root and has no other', async () => {
    const roots = async (): Promise<readonly string[]> => {
      const { out } = await whole.exec('a', 'sh', '-c', 'grep -h "bot-bottle root" /etc/ssl/certs/*.crt')
      return out.trim().split('\n')
    }
    const [first, ...others] = await roots()
    expect(others).toEqual([])
    const { code, out } = await whole.run(['destroy', '--yes'])
    expect([code, out]).toEqual([0, expect.stringContaining('frozen image once outlives a')])
    await whole.apply()
    const [second, ...more] = await roots()
    expect([more, second === first]).toEqual([[], false])
    expect((await whole.exec('a', 'cat', '/var/tmp/tool/it')).out).toBe('installed\n')
    expect((await whole.exec('a', 'printenv', 'TOKEN')).out.trim()).toMatch(/^bot_bottle_placeholder_/)
  })
})

/** Which needles are in what an engine's command prints. */
async function found(
  argv: readonly string[],
  of: Readonly<Record<string, string>>,
): Promise<readonly string[]> {
  const child = spawn('docker', argv, { stdio: ['ignore', 'pipe', 'inherit'] })
  const ended = once(child, 'close')
  const seen = new Set<string>()
  let held = Buffer.alloc(0)
  for await (const chunk of child.stdout as Readable) {
    const bytes = Buffer.concat([held, chunk as Buffer])
    for (const [what, needle] of Object.entries(of)) if (bytes.includes(needle)) seen.add(what)
    held = Buffer.from(bytes.subarray(-256))
  }
  await ended
  return [...seen]
}
