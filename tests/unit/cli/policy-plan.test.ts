import { afterEach, beforeEach, expect, test } from 'vitest'
import { openProgram } from './program.ts'

const MANIFEST = `version: 1
stack: acme
bottles:
  dev:
    egress:
      routes:
        - host: "*.cdn.example"
        - host: blind.example
          tls_passthrough: true
        - host: git.example
          git: { fetch: true }
        - host: own.example
          auth: from-agent
        - preset: pypi
        - host: pypi.org
          limits: { rate: 10/s }
`
let program: ReturnType<typeof openProgram>
beforeEach(() => {
  program = openProgram()
  program.write('bottles.yaml', MANIFEST)
})
afterEach(() => program.close())

test('the plan lists each route of a preset, and flags what is wide or not inspected', async () => {
  const { stdout, stderr, code } = await program.run('diff')
  expect(code).toBe(1)
  const routes = stdout
    .split('\n')
    .flatMap((line) => /^ +(\S+ .*\[from: .*\])$/.exec(line.trimEnd())?.[1] ?? [])
  expect(routes.sort()).toEqual([
    '*.cdn.example [wildcard] [from: bottles.yaml:7]',
    'blind.example [passthrough, not inspected] [from: bottles.yaml:8]',
    'files.pythonhosted.org [from: bottles.yaml:14 (preset pypi)]',
    'git.example [git fetch] [from: bottles.yaml:10]',
    'own.example [auth:from-agent] [from: bottles.yaml:12]',
    'pypi.org [from: bottles.yaml:15]',
  ])
  for (const code of ['wildcard-host', 'route-not-inspected', 'auth-from-agent'])
    expect(stderr).toContain(code)
})

test('an edit of a preset is an edit of its routes', async () => {
  expect((await program.run('apply --yes')).code).toBe(0)
  expect((await program.run('diff')).code).toBe(0)
  program.write(
    'bottles.yaml',
    MANIFEST.replace('preset: pypi', 'preset: pypi\n          deny: [{ paths: [{ prefix: /packages/x }] }]'),
  )
  const { stdout } = await program.run('diff')
  expect(stdout).toContain('route/dev/files.pythonhosted.org')
  expect(stdout).not.toContain('route/dev/git.example')
})
