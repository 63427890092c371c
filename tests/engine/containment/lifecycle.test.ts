import { randomBytes } from 'node:crypto'
import { execFileSync, spawn } from 'node:child_process'
import { statSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, describe, expect, it } from 'vitest'
import { baseImage } from '../../../src/drivers/docker/images/recipe.ts'
import { openProxy, type Proxy } from '../docker/proxy.ts'
import { docker, leftovers } from '../docker/stack.ts'
import { inContainer } from './replica.ts'
import { openWhole, ran, type Whole } from './whole.ts'

const BOTTLE = 'bottles:\n  a:\n    resources: { memory: 256MiB, pids: 128 }\n'
const open: (() => Promise<void> | void)[] = []
afterEach(async () => {
  for (const close of open.splice(0).toReversed()) await close()
})

function aStack(manifest = BOTTLE, env: Readonly<Record<string, string>> = {}): Whole {
  const whole = openWhole(manifest, env)
  open.push(() => whole.down())
  return whole
}

/** The engine behind a socket that keeps each call, or changes it. */
async function anEngine(
  edit: Parameters<typeof openProxy>[1] = () => {},
): Promise<Proxy & { readonly env: { DOCKER_HOST: string } }> {
  const proxy = await openProxy(`/tmp/bb-life-${process.pid}-${randomBytes(3).toString('hex')}.sock`, edit)
  open.push(() => proxy.close())
  return { ...proxy, env: { DOCKER_HOST: `unix://${proxy.socket}` } }
}

const started = (whole: Whole) =>
  docker('ps', '--format', '{{.Names}}')
    .split('\n')
    .filter((name) => name === whole.names('a').agent)

describe('before the agent program starts', () => {
  it('[NET-27] a way out that appears while a bottle is made is found, refused in words, and nothing of the agent runs', async () => {
    const whole = openWhole(BOTTLE)
    const { holder } = whole.names('a')
    const engine = await anEngine((_, name) => {
      if (!name.endsWith('_a_bundle')) return
      docker('network', 'disconnect', 'none', holder)
      docker('network', 'connect', 'bridge', holder)
    })
    open.push(() => whole.down())
    const { code, out, err } = await whole.run(['apply', '--yes', '--timeout', '20s'], { env: engine.env })
    expect([4, 7]).toContain(code)
    expect(out + err).toMatch(/network|link|probe|reach|namespace/i)
    const program = await whole.run(['run', 'a', '--', '-c', 'true'], { env: engine.env })
    expect(program.code, 'the agent program is not started').not.toBe(0)
  })

  it('[TLS-11] a trust store that does not take the root stops the bottle before its program', async () => {
    const tag = `bb_lab_trust_${randomBytes(3).toString('hex')}:1`
    execFileSync('docker', ['build', '-q', '-t', tag, '-'], {
      input: `FROM ${baseImage().tag}\nRUN rm -rf /etc/ssl/certs /etc/bot-bottle && ln -s /proc/1/nowhere /etc/ssl/certs && echo x > /etc/bot-bottle\n`,
      stdio: ['pipe', 'ignore', 'ignore'],
    })
    open.push(() => void docker('rmi', '-f', tag))
    const whole = aStack(`bottles:\n  a:\n    image: ${tag}\n    resources: { memory: 256MiB, pids: 128 }\n`)
    const { code, out, err } = await whole.run(['apply', '--yes', '--timeout', '30s'])
    expect(code).toBe(4)
    expect(out + err).toMatch(/guest\/a/)
    expect((await whole.run(['run', 'a', '--', '-c', 'true'])).code).not.toBe(0)
  })
})

describe('restarts in the wrong order', () => {
  it('nothing of the agent runs before its sidecar enforces, and no way opens meanwhile (ISO-11)', async () => {
    const whole = aStack()
    await whole.apply()
    const { agent, bundle, holder, uplink } = whole.names('a')
    const closed = `print(json.dumps([connect('1.1.1.1', 443, 0.3), sorted(os.listdir('/sys/class/net'))]))`
    for (const order of [[agent], [bundle], [uplink], [holder, agent], [agent, holder, bundle]]) {
      docker('restart', '-t', '0', ...order)
      const [answer, links] = await inContainer<[string, string[]]>(agent, closed, '1000:1000')
      expect([answer, links], order.join(' ')).toEqual(['ENETUNREACH', ['lo']])
      // An agent container started again is idle until it is probed again: nothing differs.
      const { code } = await whole.run(['diff'])
      expect(code, `${order.join(' ')} is seen`).toBe(order.length === 1 && order[0] === agent ? 0 : 1)
    }
    await whole.apply()
    expect((await whole.run(['diff'])).code).toBe(0)
    expect(await inContainer(agent, `print(json.dumps(connect('127.0.0.1', 909)))`, '1000:1000')).toBe(
      'CONNECTED',
    )
    const all = docker('ps', '-a', '--format', '{{.Names}}')
      .split('\n')
      .filter((name) => name.startsWith(`bb_${whole.stack}_`))
    for (const name of all)
      expect(docker('inspect', '-f', '{{.HostConfig.RestartPolicy.Name}}', name)).toBe('no')
  })
})

describe('a killed program', () => {
  it('[ISO-09] leaves nothing that the next run does not bring in order, and nothing after destroy', async () => {
    const whole = openWhole(BOTTLE)
    const program = join(import.meta.dirname, '../../../bin/bot-bottle')
    const kill = async (argv: readonly string[], object: RegExp) => {
      const child = spawn(program, argv, {
        cwd: whole.folder,
        env: { ...process.env, BOT_BOTTLE_HOME: whole.home },
        stdio: 'ignore',
      })
      const over = new Promise<void>((resolve) => child.once('close', () => resolve()))
      await Promise.race([
        over,
        expect
          .poll(() => leftovers(whole.stack).some((name) => object.test(name)), {
            timeout: 60_000,
            interval: 20,
          })
          .toBe(true),
      ])
      child.kill('SIGKILL')
      await over
    }
    for (const object of [/_uplink$/, /_a_work$/, /_a_net$/, /_a_agent$/, /_a_bundle$/]) {
      await kill(['apply', '--yes'], object)
    }
    await whole.apply()
    expect((await whole.run(['diff'])).code).toBe(0)
    interruptedTools(whole)
    await kill(['destroy', '--yes'], /./)
    const { code } = await whole.run(['destroy', '--yes', '--stack', whole.stack])
    expect(code).toBe(0)
    expect(leftovers(whole.stack)).toEqual([])
    expect(docker('ps', '-aq', '--filter', `label=dev.bot-bottle.stack=${whole.stack}`)).toBe('')
    await whole.down()
  })
})

describe('a running bottle', () => {
  it('[HST-11] is never asked for an archive, by any command', async () => {
    const engine = await anEngine()
    const withPrompt = (prompt: string): string =>
      `${BOTTLE.replace('  a:', '  base:')}agents:\n  a: { bottle: base, prompt: ${prompt} }\n`
    const whole = aStack(withPrompt('first'))
    await whole.apply()
    const calls: string[] = []
    engine.heard((method, url) => calls.push(`${method} ${url}`))
    whole.write('in.txt', 'in')
    whole.write('bottles.yaml', `version: 1\nstack: ${whole.stack}\n${withPrompt('second')}`)
    await whole.exec(
      'a',
      'sh',
      '-c',
      'mkdir -p /workspace/d && ln -sf /etc/passwd /workspace/d/link && echo out > /workspace/out.txt',
    )
    const commands = [
      ['status'],
      ['diff'],
      ['logs', 'a'],
      ['exec', 'a', '--', 'true'],
      ['cp', 'in.txt', 'a:/workspace/in.txt'],
      ['cp', 'a:/workspace/out.txt', 'out.txt'],
      ['changes', 'a'],
      ['apply', '--yes'],
      ['stop', 'a'],
      ['start', 'a'],
      ['doctor'],
    ]
    for (const argv of commands) {
      const { code, err } = await whole.run(argv, { env: engine.env })
      expect([argv.join(' '), code > 1 ? err : '']).toEqual([argv.join(' '), ''])
    }
    expect(statSync(join(whole.folder, 'out.txt')).size).toBe(4)
    const { out: prompt } = await whole.exec('a', 'cat', '/home/agent/.config/bot-bottle/prompt.md')
    expect(prompt, 'control: something was provisioned meanwhile').toBe('second')
    expect(calls.length, 'control: the calls are heard').toBeGreaterThan(20)
    const archives = () => calls.filter((call) => /\/(archive|export|commit|copy)\b/.test(call))
    expect(archives()).toEqual([])
    // Control: the operator's own `docker cp` by the same way is heard as what it is.
    await ran(['docker', 'cp', `${whole.names('a').agent}:/etc/hostname`, '-'], {
      env: { ...process.env, ...engine.env },
    })
    expect(archives()).not.toEqual([])
  })

  it('[HST-10] cannot fill the disk by printing', async () => {
    const whole = aStack()
    await whole.apply()
    const { agent } = whole.names('a')
    // What PID 1 prints is what the engine keeps.
    const printed = await whole.run([
      'run',
      'a',
      '--',
      '-c',
      'head -c 20000000 /dev/zero | tr "\\0" x | fold -w 200',
    ])
    expect(printed.code).toBe(0)
    const path = docker('inspect', '-f', '{{.LogPath}}', agent)
    const { out } = await ran(['sh', '-c', `cat ${path}* 2>/dev/null | wc -c`])
    const limits = JSON.parse(docker('inspect', '-f', '{{json .HostConfig.LogConfig}}', agent)) as unknown
    expect(limits).toEqual({ Type: 'json-file', Config: { 'max-size': '4m', 'max-file': '2' } })
    expect(Number(out), 'control: what it prints is kept').toBeGreaterThan(1_000_000)
    expect(Number(out)).toBeLessThan(9_000_000)
    expect(started(whole)).toEqual([agent])
  })
})

/** What a kill leaves while the volume with the helper is filled; its name begins with that of the volume. */
function interruptedTools(whole: Whole): void {
  const { agent } = whole.names('a')
  const read = (format: string) => docker('inspect', '-f', format, agent)
  const volume = read('{{range .Mounts}}{{if eq .Destination "/.bb"}}{{.Name}}{{end}}{{end}}')
  const labels = JSON.parse(read('{{json .Config.Labels}}')) as Record<string, string>
  const flags = Object.entries({
    ...labels,
    'dev.bot-bottle.address': 'image/sidecars',
    'dev.bot-bottle.part': 'step',
  }).flatMap(([key, value]) => ['--label', `${key}=${value}`])
  docker(
    'create',
    '--name',
    `${volume}_${whole.stack}_step`,
    '-v',
    `${volume}:/tools`,
    ...flags,
    read('{{.Image}}'),
  )
}
