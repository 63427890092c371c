import { spawnSync } from 'node:child_process'
import { chmodSync, existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { parse } from 'yaml'

const contrib = join(import.meta.dirname, '../../../contrib/ci')
let folder = ''
beforeEach(() => void (folder = mkdtempSync(join(tmpdir(), 'bb-ci-'))))
afterEach(() => rmSync(folder, { recursive: true, force: true }))

/** A stand-in for the program: writes down its arguments, answers as told. */
function program(code: number): string {
  const path = join(folder, 'bot-bottle')
  writeFileSync(
    path,
    `#!/bin/sh\necho "$*" >>"${folder}/calls"\ncase "$*" in *markdown*) echo '### plan' ;; *--out*) echo '{}' >plan.json ;; esac\nexit ${code}\n`,
  )
  chmodSync(path, 0o755)
  return path
}

const ci = (verb: string, code: number, env: Readonly<Record<string, string>> = {}) => {
  const { status } = spawnSync('sh', [join(contrib, 'bot-bottle-ci.sh'), verb], {
    cwd: folder,
    env: { PATH: process.env['PATH'] ?? '', BOT_BOTTLE: program(code), BOT_BOTTLE_HOME: folder, ...env },
  })
  const calls = join(folder, 'calls')
  return { status, calls: existsSync(calls) ? readFileSync(calls, 'utf8').trimEnd().split('\n') : [] }
}

describe('the script of the recipes', () => {
  test.each([0, 1])('plans, and is content with exit %d', (code) => {
    expect(ci('plan', code)).toEqual({ status: 0, calls: ['diff --output markdown', 'diff --out plan.json'] })
    expect(readFileSync(join(folder, 'plan.md'), 'utf8')).toBe('### plan\n')
  })
  test('fails where no plan can be made, and says so in the comment without quoting', () => {
    expect(ci('plan', 2)).toEqual({ status: 2, calls: ['diff --output markdown'] })
    expect(readFileSync(join(folder, 'plan.md'), 'utf8')).toContain('Exit code 2')
  })
  test('carries out the saved plan', () => {
    writeFileSync(join(folder, 'plan.json'), '{}')
    expect(ci('apply', 6)).toEqual({ status: 6, calls: ['apply --plan plan.json --lock-timeout 10m'] })
  })
  test('applies without one', () => {
    expect(ci('apply', 0).calls).toEqual(['apply --yes --lock-timeout 10m'])
  })
  test('passes drift on', () => {
    expect(ci('drift', 1)).toEqual({ status: 1, calls: ['diff --drift'] })
  })
  test('refuses to run without a place for the state, and without a verb', () => {
    expect(ci('plan', 0, { BOT_BOTTLE_HOME: '' })).toMatchObject({ status: 2, calls: [] })
    expect(ci('frob', 0).status).toBe(2)
  })
})

describe('the recipes', () => {
  const recipes = ['github/bot-bottle.yml', 'gitea/bot-bottle.yml', 'gitlab/bot-bottle.gitlab-ci.yml']
  test.each(recipes)('%s is YAML, runs each verb, and gives a pull request no secret', (recipe) => {
    const text = readFileSync(join(contrib, recipe), 'utf8')
    parse(text)
    for (const verb of ['plan', 'apply', 'drift']) expect(text).toContain(`ci/bot-bottle-ci.sh ${verb}`)
    expect(text).toContain('BOT_BOTTLE_HOME')
    expect(text).not.toContain('on: pull_request_target')
  })
})
