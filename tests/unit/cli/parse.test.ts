/* oxlint-disable no-control-regex -- control characters are what is looked for */
import { readFileSync, statSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { COMMANDS } from '../../../src/cli/grammar/catalogue.ts'
import { openProgram } from './program.ts'

let program: ReturnType<typeof openProgram>
beforeEach(() => void (program = openProgram()))
afterEach(() => program.close())

describe('help', () => {
  test('lists every command with one line', async () => {
    const { code, stdout } = await program.run('--help')
    expect(code).toBe(0)
    for (const { name, summary } of COMMANDS)
      expect(stdout).toMatch(new RegExp(`^  ${name} +${summary.slice(0, 20)}`, 'm'))
    for (const line of stdout.split('\n')) expect(line.length).toBeLessThan(110)
  })
  test('without arguments goes to stderr, exit 2', async () => {
    const { code, stdout, stderr } = await program.run('')
    expect([code, stdout]).toEqual([2, ''])
    expect(stderr).toContain('bot-bottle init')
  })
  test.each(COMMANDS.map(({ name }) => name))('%s has an example, then its options', async (name) => {
    const { code, stdout } = await program.run(`${name} --help`)
    expect(code).toBe(0)
    expect(stdout).toMatch(/^  \$ .*bot-bottle/m)
    expect((await program.run(`help ${name}`)).stdout).toBe(stdout)
    expect((await program.run(`${name} -h`)).stdout).toBe(stdout)
  })
  test.each(['manifest', 'exit-codes', 'security'])('has the topic %s within a screen', async (topic) => {
    const { code, stdout } = await program.run(`help ${topic}`)
    expect(code).toBe(0)
    for (const line of stdout.split('\n')) expect(line.length).toBeLessThanOrEqual(100)
  })
  test('stands as it is', async () => {
    expect((await program.run('explain --help')).stdout).toMatchInlineSnapshot(`
      "Show every field of one object and the line it came from, or what egress would say to a request

        $ bot-bottle explain route/implementer/api.github.com
        $ bot-bottle explain --url 'GET https://api.github.com/repos/acme/app' --bottle implementer

      Usage  bot-bottle explain [ADDRESS] [options]

      Looks at nothing live. With --url it decides as egress does and names the line that decided: exit 0 allowed,
      1 refused by one bottle at least.

      Options
        -f, --file <path>   manifest file, folder, or - for standard input; may be repeated (default: $BOT_BOTTLE_FILE, else bottles.yaml here)
        --set <path=value>  replace one value of the manifest; may be repeated
        --driver <name>     driver of bottles that name none (default: $BOT_BOTTLE_DRIVER, else docker)
        --url <request>     \`METHOD URL\`, or a URL
        --method <method>   method of the request (default: GET)
        --header <field>    \`name: value\` that the request carries; may be repeated
        --bottle <name>     bottle that sends it (default: every one)
        --output <form>     pretty, json (default: pretty)
        --json              the same as --output json

      Everywhere
        --state-dir <path>  the program's own folder (default: $BOT_BOTTLE_HOME, else ~/.bot-bottle)
        --no-unicode        plain ASCII signs
        -h, --help          this text
      "
    `)
  })
})

describe('usage errors exit 2 and say what to do', () => {
  test.each([
    ['dif', "unknown command 'dif'", 'did you mean diff?'],
    ['up', "unknown command 'up'", 'hint: bot-bottle apply'],
    ['ps -a', "unknown command 'ps'", 'hint: bot-bottle status'],
    ['plan', "unknown command 'plan'", 'hint: bot-bottle diff'],
    ['constructor', "unknown command 'constructor'", 'bot-bottle --help'],
    ['apply --dry-run', "unknown option '--dry-run'", 'bot-bottle diff shows'],
    ['logs dev -n 5', "unknown option '-n'", '--tail'],
    ['-v', "unknown option '-v'", 'bot-bottle --version'],
    ['diff other/bottles.yaml', 'no manifest', 'to read that one: -f other/bottles.yaml'],
    ['status dev --stack Bad', 'no name of a stack', ''],
    ['frobnicate', "unknown command 'frobnicate'", 'bot-bottle --help'],
    ['apply --wat', "unknown option '--wat'", 'bot-bottle apply --help'],
    ['apply --yess', "unknown option '--yess'", '--yes'],
    ['diff --output yaml', 'Allowed choices are pretty, json, markdown', 'bot-bottle diff --help'],
    ['explain', 'explain needs ADDRESS', 'usage: bot-bottle explain ADDRESS'],
    ['version extra', 'takes no argument `extra`', 'usage: bot-bottle version'],
    ['apply --timeout soon', '--timeout takes a time', '90s or 2m'],
    ['attach dev --detach-keys ctrl-p,,q', '--detach-keys takes keys', 'ctrl-p,ctrl-q'],
    ['help frob', 'no command and no topic', 'topics: manifest'],
    ['diff --driver xen', 'Allowed choices are docker', '--help'],
    ['diff', 'no manifest', 'bot-bottle init'],
    ['diff -f nowhere.yaml', 'nowhere.yaml', 'no such file'],
  ])('%s', async (line, message, hint) => {
    const { code, stdout, stderr } = await program.run(line)
    expect([code, stdout]).toEqual([2, ''])
    expect(stderr).toContain(message)
    expect(stderr).toContain(hint)
  })
  test('offer --stack only where it is taken', async () => {
    expect((await program.run('diff')).stderr).not.toContain('--stack')
    expect((await program.run('destroy')).stderr).toContain('--stack')
  })
  test('are one line of JSON where JSON was asked for', async () => {
    const { code, stderr } = await program.run('diff --output json')
    expect(code).toBe(2)
    expect(JSON.parse(stderr)).toMatchObject({ error: { exit: 2 } })
  })
  test('never let hidden characters of an argument through', async () => {
    const { stderr } = await program.run(['\u001b[2Jdif\u202e'])
    expect(stderr.replaceAll('\n', '')).not.toMatch(/[\u0000-\u001f\u202e]/)
  })
})

describe('options', () => {
  test('of the manifest may stand before the command', async () => {
    program.write('other.yaml', 'version: 1\nstack: other\nbottles: { dev: {} }\n')
    expect((await program.run('-f other.yaml validate')).stdout).toContain('other: valid, 1 bottle')
    expect((await program.run('validate --file=other.yaml --set stack=third')).stdout).toContain(
      'third: valid',
    )
  })
  test('version answers in three ways', async () => {
    const [short, long, json] = [
      await program.run('--version'),
      await program.run('version'),
      await program.run('version --output json'),
    ]
    expect(long.stdout).toBe(`bot-bottle ${short.stdout}`)
    expect(JSON.parse(json.stdout).version).toBe(short.stdout.trim())
  })
  test('-f - reads standard input', async () => {
    expect(
      (await program.run('validate -f -', { stdin: 'version: 1\nstack: piped\nbottles: { dev: {} }\n' }))
        .stdout,
    ).toContain('piped: valid')
  })
})

describe('a mistake in the manifest', () => {
  test('is shown with its line, and nothing is planned', async () => {
    program.write('bottles.yaml', 'version: 1\nstack: acme\nbottles:\n  dev:\n    egress:\n      route: []\n')
    const { code, stderr } = await program.run('diff')
    expect(code).toBe(2)
    expect(stderr).toContain('bottles.yaml:6:7')
    expect(stderr).toContain('  6 |       route: []')
    expect(stderr).toContain('nothing planned')
  })
})

describe('completion', () => {
  test.each(['bash', 'zsh', 'fish'])('has a script for %s', async (shell) => {
    const { code, stdout } = await program.run(`completion ${shell}`)
    expect(code).toBe(0)
    expect(stdout).toContain('bot-bottle __complete')
    expect(stdout).not.toContain('\\$')
  })
  test('completes commands, options, choices and bottles', async () => {
    program.write('bottles.yaml', 'version: 1\nstack: acme\nbottles: { dev: {}, two: {} }\n')
    const complete = async (...words: string[]): Promise<string[]> =>
      (await program.run(['__complete', ...words])).stdout.trimEnd().split('\n')
    expect(await complete('de')).toEqual(['destroy'])
    expect(await complete('diff', '--ou')).toEqual(['--out', '--output'])
    expect(await complete('diff', '--output', '')).toEqual(['pretty', 'json', 'markdown'])
    expect(await complete('apply', '')).toEqual(['dev', 'two'])
    expect(await complete('run', 't')).toEqual(['two'])
    expect(await complete('cp', 'x', '')).toEqual(['dev:', 'two:'])
    expect(await complete('-f', '')).toEqual([''])
    expect(await complete('--dr')).toEqual(['--driver'])
    expect(await complete('--driver', 'd')).toEqual(['docker'])
    expect(await complete('explain', 'bottle/')).toEqual(['bottle/dev', 'bottle/two'])
    expect(await complete('explain', '--bottle', 't')).toEqual(['two'])
    expect(await complete('policy', 's')).toEqual(['suggest'])
    expect(await complete('policy', 'suggest', 'd')).toEqual(['dev'])
    expect(await complete('schema', 'p')).toEqual(['preset', 'plan', 'plugin', 'plugin-types'])
    expect(await complete('plugins', 'c')).toEqual(['check'])
  })
  test('is silent about a broken manifest', async () => {
    program.write('bottles.yaml', ': [')
    expect(await program.run(['__complete', 'apply', ''])).toEqual({ code: 0, stdout: '', stderr: '' })
  })
})

describe('init', () => {
  test('writes a manifest that validates, and never over one that is there', async () => {
    expect((await program.run('init')).code).toBe(0)
    expect((await program.run('validate')).code).toBe(0)
    expect((await program.run('init')).code).toBe(5)
    const schema = join(program.folder, '.bot-bottle/manifest.v1.json')
    expect(JSON.parse(readFileSync(schema, 'utf8')).$id).toContain('manifest')
    expect(statSync(dirname(schema)).mode & 0o777).toBe(0o700)
  })
  test('takes another folder and another name, and no bad one', async () => {
    expect((await program.run('init sub/dir --stack Bad_Name')).code).toBe(2)
    expect((await program.run('init sub/dir --stack other')).stdout).toContain('cd sub/dir, edit it')
    expect((await program.run('validate -f sub/dir')).stdout).toContain('other: valid, 1 bottle')
  })
})

test('schemas are printed', async () => {
  for (const name of ['plan', 'events'])
    expect(JSON.parse((await program.run(`schema ${name}`)).stdout).$id).toContain(name)
})
