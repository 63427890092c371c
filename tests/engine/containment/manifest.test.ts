import { existsSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { randomBytes } from 'node:crypto'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { docker, leftovers } from '../docker/stack.ts'
import { openWhole, ran, type Whole } from './whole.ts'

const BOTTLE = 'bottles:\n  a:\n    resources: { memory: 256MiB, pids: 128 }\n'
/** Byte-exact or refused; none of these is expanded. */
const LITERALS = {
  HOME_IN: 'a${HOME}b',
  DOLLARS: '$$',
  COMMAND: '$(touch /tmp/p)',
  NAMED: '$AWS_SECRET_ACCESS_KEY',
  QUOTES: `a"b'c`,
  EQUALS: 'a=b=c',
  SPACES: '  x  ',
  LINES: 'one\ntwo\r\n',
  UNICODE: 'ä€',
}
const env = Object.entries(LITERALS)
  .map(([name, value]) => `      ${name}: ${JSON.stringify(value)}\n`)
  .join('')
let whole: Whole
beforeAll(async () => {
  whole = openWhole(`${BOTTLE}    env:\n${env}      TAKEN: \${BB_LAB_TAKEN}\n`, {
    BB_LAB_TAKEN: 'taken',
    AWS_SECRET_ACCESS_KEY: 'never',
  })
  await whole.apply()
})
afterAll(async () => {
  await whole?.down()
})

describe('what a manifest says', () => {
  it('[SPP-09] of variables arrives byte for byte; only a whole ${NAME} is read from the operator', async () => {
    const { out } = await whole.exec('a', 'node', '-p', 'JSON.stringify(process.env)')
    expect(JSON.parse(out)).toMatchObject({ ...LITERALS, TAKEN: 'taken' })
    expect(out).not.toContain('never')
    for (const [name, value] of [
      ['NUL', '"a\\0b"'],
      ['BIDI', '"a\u202eb"'],
      ['"A=B"', 'x'],
      ['"A\\nB"', 'x'],
      ['""', 'x'],
    ] as const) {
      whole.write('bad.yaml', `version: 1\nstack: ${whole.stack}\n${BOTTLE}    env: { ${name}: ${value} }\n`)
      const { code, out: said, err } = await whole.run(['validate', '-f', 'bad.yaml'])
      expect([name, code]).toEqual([name, 2])
      expect(said + err).toMatch(/bad\.yaml:\d+:\d+/)
    }
  })

  it('[SPP-01] of names never reaches a shell, a flag or a path', async () => {
    const file = join(tmpdir(), `bb-canary-${randomBytes(4).toString('hex')}`)
    const names = [
      `$(touch ${file})`,
      `;touch ${file}`,
      `a\\ntouch ${file}`,
      '../x',
      '-v',
      '--privileged',
      'a\u202eb',
      'x'.repeat(300),
      '',
      'a b',
      'A',
      `\`touch ${file}\``,
    ]
    for (const name of names) {
      const quoted = JSON.stringify(name).replaceAll('\\\\n', '\\n')
      const forms = [
        `version: 1\nstack: ${quoted}\n${BOTTLE}`,
        `version: 1\nstack: ${whole.stack}\nbottles:\n  ${quoted}: { resources: { pids: 64 } }\n`,
        `version: 1\nstack: ${whole.stack}\n${BOTTLE}agents:\n  ${quoted}: { bottle: a }\n`,
        `version: 1\nstack: ${whole.stack}\n${BOTTLE}    egress: { routes: [{ host: ${quoted} }] }\n`,
      ]
      for (const form of forms) {
        whole.write('bad.yaml', form)
        const { code, out, err } = await whole.run(['validate', '-f', 'bad.yaml'])
        // A host is written like a name in some of these; then it is only a host.
        if (code === 0) expect(form).toContain('host:')
        else {
          expect([form, code]).toEqual([form, 2])
          expect(out + err).toMatch(/bad\.yaml:\d+:\d+/)
        }
      }
      for (const argv of [
        ['exec', name, '--', 'true'],
        ['logs', name],
        ['explain', `bottle/${name}`],
        ['destroy', '--yes', '--stack', name],
      ]) {
        expect((await whole.run(argv)).code, argv.join(' ')).not.toBe(0)
      }
    }
    expect(existsSync(file)).toBe(false)
    expect(
      leftovers(whole.stack).some((left) => left.endsWith('_agent')),
      'and the bottle still lives',
    ).toBe(true)
    // Control: a shell would have made the file.
    await ran(['sh', '-c', `echo $(touch ${file})`])
    expect(existsSync(file)).toBe(true)
    await ran(['rm', file])
  }, 300_000)

  it('[SPP-17] and what the engine and the agent say cannot steer a terminal', async () => {
    const evil = '\u001b]52;c;ZXZpbA==\u0007\u001b[2J\u202eevil'
    docker(
      'run',
      '-d',
      '--name',
      `bb_${whole.stack}_b_agent`,
      '--label',
      `dev.bot-bottle.stack=${evil}`,
      '--label',
      `dev.bot-bottle.address=${evil}`,
      '--entrypoint',
      '/bin/sleep',
      docker('inspect', '-f', '{{.Config.Image}}', whole.names('a').agent),
      '60',
    )
    try {
      await whole.exec('a', 'curl', '-s', '-H', `User-Agent: ${evil}`, `http://denied.test/%1b]52;c;x%07`)
      for (const argv of [
        ['status'],
        ['status', '--output', 'json'],
        ['diff'],
        ['diff', '--output', 'json'],
        ['diff', '--output', 'markdown'],
        ['logs', '--egress'],
        ['logs', '--egress', '--json'],
        ['explain', evil],
        ['exec', evil, '--', 'true'],
        ['validate', '-f', `${evil}.yaml`],
      ]) {
        const { out, err } = await whole.run(argv)
        // oxlint-disable-next-line no-control-regex -- what is looked for
        expect(out + err, argv.join(' ')).not.toMatch(/[\u001b\u0007\u202e\u009b]/)
      }
    } finally {
      docker('rm', '-f', `bb_${whole.stack}_b_agent`)
    }
  })
})
