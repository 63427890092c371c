import { createHash, createPrivateKey } from 'node:crypto'
import { readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { spawn } from 'node:child_process'
import { join } from 'node:path'
import { buffer } from 'node:stream/consumers'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { checkSignature } from '../../unit/egress/signing-verify.ts'
import { docker, dockerAsync } from '../docker/stack.ts'
import { openReceivers, type Receivers } from './receivers.ts'
import { followEvents, sampleArguments } from './sampler.ts'
import { canary, formsOf, leaks } from './secrets.ts'
import { openWhole, ran, type Whole } from './whole.ts'

/** One per slot: how it is given, and where it goes. */
const SECRETS = {
  BEARER: canary('bearer'),
  FILE: canary('file'),
  COMMAND: canary('command'),
  OTHER: canary('other'),
  /** Signs, and is sent nowhere. */
  SIGNING: canary('signing'),
}
const KEY_ID = 'AKIDOFTHISTEST42'
let up: Receivers
let whole: Whole
let seen: readonly string[]
let events: string
const containers = () => Object.values(whole.names('a')).concat(Object.values(whole.names('b')))

beforeAll(async () => {
  up = await openReceivers(['bearer.test', 'basic.test', 'header.test', 'signed.test', 'other.test'])
  whole = openWhole(
    `uplink: { trust: [ca.pem], dns: [${up.address}] }
bottles:
  a:
    resources: { memory: 256MiB, pids: 128 }
    env: { PLAIN: visible, TOKEN: { env: BEARER, placeholder: true } }
    egress:
      log: all
      routes:
        - { host: bearer.test, allow_private: true, matches: [{ methods: [GET], paths: [{ prefix: / }] }], auth: { scheme: bearer, token_ref: BEARER } }
        - { host: basic.test, allow_private: true, matches: [{ methods: [GET], paths: [{ prefix: / }] }], auth: { scheme: basic, username: u, token_ref: { file: secret.txt } } }
        - { host: header.test, allow_private: true, matches: [{ methods: [GET], paths: [{ prefix: / }] }], auth: { scheme: header, name: x-api-key, token_ref: { command: [cat, command.txt] } } }
        - { host: signed.test, allow_private: true, matches: [{ methods: [GET], paths: [{ prefix: / }] }], auth: { scheme: aws-sigv4, access_key_ref: KEY_ID, secret_key_ref: SIGNING, region: eu-central-1, service: bedrock } }
  b:
    resources: { memory: 256MiB, pids: 128 }
    egress:
      routes:
        - { host: other.test, allow_private: true, matches: [{ methods: [GET], paths: [{ prefix: / }] }], auth: { scheme: bearer, token_ref: OTHER } }
`,
    { BEARER: SECRETS.BEARER, OTHER: SECRETS.OTHER, SIGNING: SECRETS.SIGNING, KEY_ID },
  )
  whole.write('ca.pem', up.authority)
  for (const [name, value] of [
    ['secret.txt', SECRETS.FILE],
    ['command.txt', SECRETS.COMMAND],
  ] as const)
    writeFileSync(join(whole.folder, name), `${value}\n`, { mode: 0o600 })
  const follower = followEvents()
  const sampler = sampleArguments()
  await whole.apply()
  seen = sampler.stop()
  events = await follower.stop()
})
afterAll(async () => {
  await whole?.down()
  await up?.close()
})

const fetched = (bottle: string, host: string) =>
  whole.exec(bottle, 'curl', '-sS', '--max-time', '10', `https://${host}/x`)

describe('secrets of the operator', () => {
  it('arrive upstream, each at its own host: the control of every sweep here', async () => {
    for (const [bottle, host, slot] of [
      ['a', 'bearer.test', 'BEARER'],
      ['a', 'basic.test', 'FILE'],
      ['a', 'header.test', 'COMMAND'],
      ['b', 'other.test', 'OTHER'],
    ] as const) {
      up.received()
      expect((await fetched(bottle, host)).out).toContain(`hello from ${host}`)
      const received = up.received()
      const decoded = received.replace(/Basic ([A-Za-z0-9+/=]+)/i, (_, text: string) =>
        Buffer.from(text, 'base64').toString(),
      )
      expect(leaks(decoded, SECRETS)).toEqual([slot])
    }
  })

  it('sign what goes to a service of AWS, and stay', async () => {
    up.received()
    expect((await fetched('a', 'signed.test')).out).toContain('hello from signed.test')
    const received = up.received()
    expect(checkSignature(received, { [KEY_ID]: SECRETS.SIGNING }).wrong).toBeUndefined()
    expect(leaks(received, SECRETS)).toEqual([])
  })

  it('take the place of the placeholder that a program has from its environment, at their own host alone', async () => {
    const send = (bottle: string, host: string, given: string) =>
      whole.exec(
        bottle,
        'sh',
        '-c',
        `curl -sS --max-time 10 -H "Authorization: Bearer ${given}" https://${host}/x`,
      )
    const placeholder = (await whole.exec('a', 'sh', '-c', 'echo $TOKEN')).out.trim()
    expect(placeholder).toMatch(/^bot_bottle_placeholder_[0-9a-f]{32}$/)
    up.received()
    expect((await send('a', 'bearer.test', '$TOKEN')).out).toContain('hello from bearer.test')
    const received = up.received()
    expect(leaks(received, SECRETS)).toEqual(['BEARER'])
    expect(received).not.toContain('placeholder')
    for (const [bottle, host, given] of [
      ['a', 'header.test', '$TOKEN'],
      ['b', 'other.test', placeholder],
    ] as const)
      expect((await send(bottle, host, given)).out).toContain('placeholder-misplaced')
    expect(up.received()).toBe('')
  })

  it('and a canary that nobody uses: sending it is refused, and the log says so', async () => {
    const collect = `curl -sS --max-time 10 -G -d "$(env | grep -E '^[A-Z]+_[A-Z]+_(KEY|TOKEN)=')" https://bearer.test/x`
    up.received()
    expect((await whole.exec('a', 'sh', '-c', collect)).out).toContain('(rule canary)')
    expect(up.received()).toBe('')
  })

  it('[CRD-10] are in no argument, label, inspection, history, event or file while and after they are applied', async () => {
    expect(
      seen.some((argv) => argv.includes('apply')),
      'control: the sampler saw the program',
    ).toBe(true)
    expect(leaks(seen.join('\n'), SECRETS)).toEqual([])
    const images = [...new Set(containers().map((name) => docker('inspect', '-f', '{{.Image}}', name)))]
    const said = await Promise.all([
      dockerAsync('inspect', ...containers()),
      dockerAsync(
        'inspect',
        '--type',
        'volume',
        ...docker('volume', 'ls', '-q', '--filter', `name=bb_${whole.stack}_`).split('\n'),
      ),
      dockerAsync('network', 'inspect', whole.names('a').uplink),
      ...images.map((image) => dockerAsync('history', '--no-trunc', image)),
    ])
    expect(said.join('\n')).toContain('BOT-BOTTLE'.toLowerCase())
    expect(leaks(said.join('\n'), SECRETS)).toEqual([])
    expect(events, 'control: the engine tells what is executed').toContain('exec_create: /bb/guest relay')
    expect(leaks(events, SECRETS)).toEqual([])
    expect(leaks(filesBelow(whole.home), SECRETS), 'state, journal, keys').toEqual([])
  })

  it('[CRD-01] are nowhere in the bottle: environment, files, arguments, memory, mounts', async () => {
    for (const bottle of ['a', 'b']) {
      const agent = whole.names(bottle).agent
      await whole.exec(bottle, 'sh', '-c', 'echo $PLAIN > /workspace/marker')
      expect(leaks(await exported(agent), SECRETS)).toEqual([])
      const volumes = await ran([
        'docker',
        'exec',
        '-u',
        '0:0',
        agent,
        'tar',
        '-cf',
        '-',
        '/workspace',
        '/home',
        '/tmp',
        '/run',
      ])
      expect(volumes.out).toContain(bottle === 'a' ? 'visible' : 'marker')
      const kernel = await ran([
        'docker',
        'exec',
        '-u',
        '1000:1000',
        agent,
        'sh',
        '-c',
        'cat /proc/[0-9]*/environ /proc/[0-9]*/cmdline /proc/[0-9]*/mountinfo; env; grep -aho "bbcanary-[a-z]*-[0-9a-f]*" /proc/1/mem',
      ])
      const env = await whole.exec(bottle, 'env')
      expect(kernel.out).toContain('/.bb/guest')
      expect(leaks(volumes.out + kernel.out + env.out, SECRETS)).toEqual([])
    }
  })

  it('[TLS-03] no private key is in the bottle, its volumes or its images', async () => {
    const agent = whole.names('a').agent
    const keys = keysBelow(whole.home)
    expect(keys.length, 'control: the host holds the roots’ keys').toBe(2)
    const content = await exported(agent)
    const volumes = await ran([
      'docker',
      'exec',
      '-u',
      '0:0',
      agent,
      'sh',
      '-c',
      'cat /etc/bot-bottle/*; tar -cf - /workspace /home /run /.bb',
    ])
    const secrets = Object.fromEntries(keys.map((key, index) => [`key ${index}`, privatePart(key)]))
    expect(leaks(content, secrets)).toEqual([])
    expect(leaks(volumes.out, secrets)).toEqual([])
    expect(volumes.out).toMatch(/BEGIN CERTIFICATE/)
    expect(volumes.out).not.toMatch(/BEGIN [A-Z ]*PRIVATE KEY-----\n[A-Za-z0-9+/=]{40}/)
    const mine = await ran([
      'docker',
      'exec',
      '-u',
      '0:0',
      agent,
      'sh',
      '-c',
      'find / -xdev \\( -name "*.p12" -o -name "*.pfx" -o -name "*-key.pem" \\) 2>/dev/null',
    ])
    expect(mine.out).toBe('')
  })

  it('of the daemon are closed to every other user of the bundle, and to its own (CRD-11)', async () => {
    const { bundle } = whole.names('a')
    const find =
      'for p in /proc/[0-9]*; do case $(tr "\\0" " " < $p/cmdline) in *egress/main.j[s]*) echo ${p#/proc/} $(awk "/^Uid/{print \\$2}" $p/status);; esac; done'
    const [pid = '', uid = ''] =
      docker('exec', bundle, '/bin/sh', '-c', find).split('\n')[0]?.split(' ') ?? []
    expect(Number(uid)).toBeGreaterThanOrEqual(20_000)
    for (const user of [uid, '20999', '0', '65534']) {
      const look = `for f in environ mem maps; do cat /proc/${pid}/$f 2>/dev/null; done; readlink /proc/${pid}/fd/* /proc/${pid}/cwd; ls /proc/${pid}/root/ 2>/dev/null; readlink /proc/${pid}/exe; cat /proc/${pid}/cmdline`
      const { out } = await ran(['docker', 'exec', '-u', `${user}:${user}`, bundle, '/bin/sh', '-c', look])
      expect(out.split('\0')[0], `uid ${user}: nothing but its arguments`).toMatch(/^\/bb\/|node/)
      expect(leaks(out, SECRETS)).toEqual([])
    }
  })

  it('of one bottle and its trust are useless in the other (ISO-01)', async () => {
    const root = await whole.exec('a', 'cat', '/etc/bot-bottle/root.pem')
    const put = await whole.run(['exec', 'b', '--', 'sh', '-c', 'cat > /tmp/a.pem'], { stdin: root.out })
    expect(put.code).toBe(0)
    up.connections()
    const trusted = await whole.exec(
      'b',
      'curl',
      '-sS',
      '--cacert',
      '/tmp/a.pem',
      '--capath',
      '/nowhere',
      'https://other.test/',
    )
    expect(trusted.code).toBe(60)
    expect((await fetched('b', 'bearer.test')).code).not.toBe(0)
    up.received()
    await fetched('b', 'other.test')
    expect(leaks(up.received(), SECRETS)).toEqual(['OTHER'])
  })
})

describe('what the program says', () => {
  const NOISY = { DEBUG: '*', NODE_DEBUG: 'http,net,tls,child_process,fs', BOT_BOTTLE_DEBUG: '1' }
  const commands: readonly (readonly string[])[] = [
    ['validate'],
    ['diff'],
    ['diff', '--output', 'json'],
    ['diff', '--output', 'markdown'],
    ['diff', '--drift'],
    ['diff', '--out', 'plan.json'],
    ['explain', 'bottle/a'],
    ['explain', 'route/a/bearer.test'],
    ['status'],
    ['status', '--output', 'json'],
    ['logs', 'a'],
    ['logs', '--egress', '--json'],
    ['top', '--json'],
    ['metrics'],
    ['har', 'a'],
    ['doctor'],
    ['apply', '--yes'],
    ['apply', '--yes', '--output', 'json'],
    ['apply', '--yes', '--output', 'events'],
    ['schema'],
    ['completion', 'bash'],
    ['version'],
  ]

  it('[SPP-10] holds no secret and no plain digest of one, in any command, form or verbosity', async () => {
    const broken = await whole.run(['apply', '--yes', '--set', 'bottles.a.egress.log=blocks'], {
      env: { ...NOISY, BEARER: `${SECRETS.BEARER}\nX: 1` },
    })
    expect([broken.code, leaks(broken.out + broken.err, SECRETS)]).toEqual([2, []])
    expect(broken.err + broken.out).toContain('BEARER')
    const digests = Object.fromEntries(
      Object.entries(SECRETS).flatMap(([slot, value]) =>
        ['sha256', 'sha1', 'md5'].map((kind) => [
          `${kind} ${slot}`,
          createHash(kind).update(value).digest('hex').slice(0, 12),
        ]),
      ),
    )
    for (const argv of commands) {
      const { out, err } = await whole.run(argv, { env: NOISY })
      expect(leaks(out + err, SECRETS), argv.join(' ')).toEqual([])
      for (const [name, digest] of Object.entries(digests))
        expect((out + err).includes(digest), `${argv.join(' ')}: ${name}`).toBe(false)
    }
    expect(leaks(readFileSync(join(whole.folder, 'plan.json')), SECRETS)).toEqual([])
    const edited = await whole.run(['apply', '--yes', '--output', 'events'], {
      env: { ...NOISY, BEARER: `${SECRETS.BEARER}2` },
    })
    expect(edited.code).toBe(0)
    expect(leaks(edited.out + edited.err, SECRETS)).toEqual([])
    await whole.apply()
    expect(leaks(filesBelow(whole.home), SECRETS)).toEqual([])
    expect(formsOf('abc').length).toBeGreaterThan(5)
  })

  it('logs hold no secret, also after refusals, broken upstreams and a crash of the daemon (CRD-13)', async () => {
    for (const url of [
      'https://denied.test/',
      'https://bearer.test/echo',
      'https://bearer.test:444/',
      'http://bearer.test/',
    ])
      await whole.exec('a', 'curl', '-sS', '--max-time', '5', url)
    docker(
      'exec',
      whole.names('a').bundle,
      '/bin/sh',
      '-c',
      'for p in /proc/[0-9]*; do case $(tr "\\0" " " < $p/cmdline) in *egress/main.j[s]*) kill -SEGV ${p#/proc/};; esac; done; true',
    )
    await expect
      .poll(async () => (await fetched('a', 'bearer.test')).out, { timeout: 20_000 })
      .toContain('hello')
    const logs = await Promise.all(containers().map((name) => ran(['docker', 'logs', name])))
    const text = logs.map(({ out, err }) => out + err).join('\n')
    expect(text, 'control: the logs tell the requests').toContain('denied.test')
    expect(leaks(text, SECRETS)).toEqual([])
  })
})

function filesBelow(folder: string): Buffer {
  const files = readdirSync(folder, { recursive: true, withFileTypes: true }).filter((entry) =>
    entry.isFile(),
  )
  return Buffer.concat(files.map((entry) => readFileSync(join(entry.parentPath, entry.name))))
}

/** The keys that lie in the state folder. */
function keysBelow(folder: string): readonly string[] {
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && entry.name.startsWith('root-'))
    .map((entry) => readFileSync(join(entry.parentPath, entry.name), 'utf8'))
}

/** The scalar of an EC key as a text whose forms can be looked for: the public part is in the certificate as well. */
function privatePart(pem: string): string {
  const { d } = createPrivateKey(pem).export({ format: 'jwk' })
  return Buffer.from(d ?? '', 'base64url').toString('latin1')
}

/** The file system of a container, as one archive. */
async function exported(name: string): Promise<Buffer> {
  const child = spawn('docker', ['export', name], { stdio: ['ignore', 'pipe', 'ignore'] })
  return buffer(child.stdout)
}
