import { createServer } from 'node:http'
import { buffer, text } from 'node:stream/consumers'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { Address } from '../../../src/model/address.ts'
import { liveNames } from '../../../src/model/names.ts'
import { sidecarsImage } from '../../../src/drivers/docker/index.ts'
import { baseImage } from '../../../src/drivers/docker/images/recipe.ts'
import { docker, labStack, leftovers, type LabStack } from './stack.ts'
import { tar } from '../../../src/drivers/docker/images/tar.ts'

let stack: LabStack
beforeAll(async () => {
  stack = await labStack()
  await stack.up('a', { env: { GREETING: 'hello $HOME', EMPTY: '' } })
  await stack.configureEgress('a')
  await stack.perform('guest/a' as Address)
})
afterAll(async () => {
  await stack?.down()
})

const idOf = (name: string) => docker('inspect', '-f', '{{.Id}}', name)

describe('A program in a bottle', () => {
  it('has the declared environment byte for byte, the doors as proxies, user, HOME and its folders', async () => {
    const { out } = await stack.run('a', ['/usr/bin/env'])
    const env = Object.fromEntries(
      out.split('\n').map((line) => [line.split('=', 1)[0] ?? '', line.slice(line.indexOf('=') + 1)]),
    )
    expect(env).toMatchObject({
      GREETING: 'hello $HOME',
      EMPTY: '',
      HOME: '/home/agent',
      USER: 'agent',
      HTTPS_PROXY: 'http://127.0.0.1:909',
      https_proxy: 'http://127.0.0.1:909',
      SSL_CERT_FILE: '/etc/bot-bottle/ca-bundle.pem',
    })
    const { code, out: ids } = await stack.run('a', [
      '/bin/sh',
      '-c',
      'id -u; touch /workspace/x /home/agent/y && stat -c %u /workspace/x',
    ])
    expect([code, ids]).toEqual([0, '1000\n1000\n'])
  })

  it('finds the root in the system store, exactly once', async () => {
    const { out } = await stack.run('a', [
      '/bin/sh',
      '-c',
      'grep -c "bot-bottle root" /etc/ssl/certs/ca-certificates.crt; openssl version >/dev/null 2>&1; test -s /etc/bot-bottle/root.pem && echo there',
    ])
    expect(out).toBe('1\nthere\n')
    await stack.perform('guest/a' as Address, 'update', 'restart-agent')
    expect(
      (await stack.run('a', ['/bin/grep', '-c', 'bot-bottle root', '/etc/ssl/certs/ca-certificates.crt']))
        .out,
    ).toBe('1\n')
  })

  it('cannot change its environment file or the helper', async () => {
    const { out } = await stack.run('a', [
      '/bin/sh',
      '-c',
      'for f in /etc/bot-bottle/environment.json /.bb/guest /etc/bot-bottle/x; do (echo x > $f) 2>/dev/null && echo written; done; echo end',
    ])
    expect(out).toBe('end\n')
  })

  it('passes binary input and output, both streams and its exit code', async () => {
    const bytes = Buffer.from(Array.from({ length: 300_000 }, (_, index) => (index * 7) % 256))
    const execution = await stack.driver.exec(stack.name, 'a', {
      argv: ['/bin/sh', '-c', 'cat; echo oops >&2; exit 37'],
      env: {},
    })
    execution.stdin.end(bytes)
    const [out, err, code] = await Promise.all([
      buffer(execution.stdout),
      execution.stderr ? text(execution.stderr) : '',
      execution.exit,
    ])
    expect(out.equals(bytes)).toBe(true)
    expect([err, code]).toEqual(['oops\n', 37])
  })

  it('gets a terminal of the asked size', async () => {
    const execution = await stack.driver.exec(stack.name, 'a', {
      argv: ['/bin/sh', '-c', 'sleep 0.3; stty size; test -t 0 && echo tty'],
      env: { TERM: 'dumb' },
      tty: { rows: 33, columns: 77 },
    })
    const [out, code] = await Promise.all([text(execution.stdout), execution.exit])
    expect([out.replaceAll('\r', ''), code]).toEqual(['33 77\ntty\n', 0])
  })

  it('runs under init, goes on without the caller, and is attached to again', async () => {
    await stack.driver.startProgram(stack.name, 'a', {
      argv: ['/bin/sh', '-c', 'echo started; read line; echo got $line; exit 5'],
      env: {},
    })
    expect(await stack.driver.programStatus(stack.name, 'a')).toMatchObject({ state: 'running', ready: true })
    const attached = await stack.driver.attachProgram(stack.name, 'a', { replay: true })
    attached.stdin.write('word\n')
    const [out, code] = await Promise.all([text(attached.stdout), attached.exit])
    expect([out, code]).toEqual(['started\ngot word\n', 5])
    expect(await text(await stack.driver.logs(stack.name, 'a', 'agent', { follow: false }))).toMatch(
      /started\r?\ngot word/,
    )
  })
})

describe('What a change costs', () => {
  it('a new agent container keeps volumes, holder and bundle', async () => {
    await stack.run('a', ['/bin/sh', '-c', 'echo kept > /workspace/file'])
    const [agent, holder, bundle] = [liveNames.agent, liveNames.holder, liveNames.bundle].map((name) =>
      name(stack.name, 'a'),
    )
    const before = [idOf(holder ?? ''), idOf(bundle ?? '')]
    const old = idOf(agent ?? '')
    const { objectId } = await stack.perform('bottle/a' as Address, 'remove-then-create', 'recreate-agent')
    expect(objectId).not.toBe(old)
    expect([idOf(holder ?? ''), idOf(bundle ?? '')]).toEqual(before)
    await stack.perform('guest/a' as Address)
    expect((await stack.run('a', ['/bin/cat', '/workspace/file'])).out).toBe('kept\n')
  })

  it('stop and start keep the container, and it is ready again', async () => {
    const signal = new AbortController().signal
    await stack.actuator.stop('a', signal)
    expect((await stack.observed('bottle/a' as Address))[0]?.fields['running']).toBe(false)
    await stack.actuator.start('a', signal)
    expect(await stack.driver.programStatus(stack.name, 'a')).toMatchObject({ state: 'idle', ready: true })
  })

  it('a restart behind our back is probed before the program starts', async () => {
    docker('restart', '-t', '0', liveNames.agent(stack.name, 'a'))
    await stack.driver.startProgram(stack.name, 'a', { argv: ['/bin/true'], env: {} })
    expect(await stack.driver.programStatus(stack.name, 'a')).toMatchObject({ ready: true })
  })
})

describe('After an interruption', () => {
  it('ISO-09: every half-made state is completed by the same action, and removal leaves nothing', async () => {
    const lab = await labStack()
    lab.declare('a')
    await lab.perform('uplink' as Address)
    const name = (part: 'holder' | 'agent' | 'work' | 'home') => liveNames[part](lab.name, 'a')
    // Each: what a kill after one engine call could leave.
    const cuts: readonly (() => void)[] = [
      () => docker('rm', '-f', name('agent')),
      () => docker('rm', '-f', name('agent'), name('holder')),
      () => docker('stop', '-t', '0', name('holder')),
      () => {
        docker('rm', '-f', name('agent'), name('holder'))
        docker('volume', 'rm', name('work'))
      },
      () => docker('stop', '-t', '0', name('agent')),
    ]
    await lab.perform('bottle/a' as Address)
    for (const cut of cuts) {
      cut()
      await lab.perform('bottle/a' as Address, 'remove-then-create', 'recreate-agent')
      expect((await lab.observed('bottle/a' as Address))[0]?.fields).toMatchObject({
        running: true,
        holder: 'only-loopback',
        hardening: 'as-created',
      })
    }
    await lab.perform('uplink' as Address, 'remove-then-create', 'replace')
    await lab.down()
    await lab.down()
    expect(leftovers(lab.name)).toEqual([])
  })

  it('ISO-09: a tools volume that was marked and never filled is filled', async () => {
    const lab = await labStack()
    lab.declare('a')
    await lab.perform('uplink' as Address)
    const { inputDigest } = await sidecarsImage()
    const volume = `bb_tools_${inputDigest.slice(0, 12)}`
    const users = docker('ps', '-aq', '--filter', `volume=${volume}`)
    if (users === '') {
      docker('volume', 'rm', '-f', volume)
      docker('volume', 'create', '--label', 'dev.bot-bottle.part=tools', volume)
      await expect(lab.perform('bottle/a' as Address)).rejects.toMatchObject({
        code: 'tools-missing',
        transient: true,
      })
    }
    await lab.perform('bottle/a' as Address)
    await lab.down()
    expect(leftovers(lab.name)).toEqual([])
  })

  it('an engine that does not answer is unreachable, never empty', async () => {
    const { dockerDriver } = await import('../../../src/drivers/docker/index.ts')
    const away = dockerDriver({ DOCKER_HOST: 'unix:///nonexistent/docker.sock' }, { installation: '0' })
    expect(await away.observe('x')).toMatchObject({ state: { status: 'unreachable' }, objects: [] })
    await expect(away.engineId()).rejects.toMatchObject({ code: 'engine-unreachable', exit: 8 })
    const odd = createServer((_, response) =>
      response.writeHead(200, { 'content-type': 'application/json' }).end('{"ID":7}'),
    )
    await new Promise<void>((resolve) => odd.listen('/tmp/bb-odd.sock', resolve))
    await expect(
      dockerDriver({ DOCKER_HOST: 'unix:///tmp/bb-odd.sock' }, { installation: '0' }).engineId(),
    ).rejects.toMatchObject({ code: 'engine-answer' })
    odd.closeAllConnections()
    await new Promise((resolve) => odd.close(resolve))
  })
})

describe('A hostile image', () => {
  const tag = 'bb_lab_hostile:1'
  const linked = 'bb_lab_linked:1'
  afterAll(() => docker('rmi', '-f', tag, linked))

  async function build(name: string, lines: readonly string[]): Promise<void> {
    const dockerfile = [`FROM ${baseImage().tag}`, ...lines, ''].join('\n')
    await stack.engine.build(
      tar([{ path: 'Dockerfile', mode: 0o644, content: dockerfile }]),
      { tag: name, labels: {}, arguments: {}, network: 'none', signal: AbortSignal.timeout(60_000) },
      () => {},
    )
  }

  it('[HST-15] G1–G4, NET-21: nothing of it runs, loads, mounts or is believed', async () => {
    await build(tag, [
      'ENV LD_PRELOAD=/evil.so NODE_OPTIONS=--require=/evil.js HTTP_PROXY=http://evil.test BASH_ENV=/evil KEPT=yes',
      'RUN echo "agent:x:0:0::/:/bin/sh" > /etc/passwd && mkdir -p /data && echo data > /data/x',
      'VOLUME /data /workspace',
      'HEALTHCHECK --interval=1s CMD touch /ran-health',
      'ENTRYPOINT ["/bin/sh", "-c", "touch /ran-entry; sleep 1000"]',
      'STOPSIGNAL SIGCONT',
      'USER agent',
      'LABEL dev.bot-bottle.stack=elsewhere dev.bot-bottle.address=bottle/other dev.bot-bottle.installation=0000000000000000',
    ])
    await stack.up('h', { image: tag })
    await stack.configureEgress('h')
    await stack.perform('guest/h' as Address)
    const { out } = await stack.run('h', [
      '/bin/sh',
      '-c',
      'id -u; ls / | grep ran-; env | grep -E "^(LD_PRELOAD|NODE_OPTIONS|BASH_ENV|HTTP_PROXY|KEPT)=" | sort',
    ])
    expect(out).toBe('1000\nHTTP_PROXY=http://127.0.0.1:909\nKEPT=yes\n')
    expect(await stack.observed('bottle/h' as Address)).toMatchObject([
      { ownership: 'ours', fields: { hardening: 'as-created' } },
    ])
    const started = performance.now()
    await stack.actuator.stop('h', new AbortController().signal)
    expect(performance.now() - started).toBeLessThan(3000)
    const anonymous = () =>
      docker('volume', 'ls', '-q')
        .split('\n')
        .filter((name) => /^[0-9a-f]{64}$/.test(name))
    expect(anonymous()).toEqual([])
  })

  it('G5: a link at a mount target is refused before anything starts', async () => {
    await build(linked, ['RUN rm -rf /workspace && mkdir -p /.bb && ln -s /.bb /workspace'])
    stack.declare('l', { image: linked })
    await expect(stack.perform('bottle/l' as Address)).rejects.toMatchObject({
      code: 'image-mount-target',
      message: expect.stringContaining('/workspace'),
    })
    expect(leftovers(stack.name)).not.toContain(liveNames.agent(stack.name, 'l'))
  })

  it('an image that is not there is named', async () => {
    stack.declare('m', { image: 'bb_lab_missing:1' })
    await expect(stack.perform('bottle/m' as Address)).rejects.toMatchObject({ code: 'image-missing' })
  })
})
