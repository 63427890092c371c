import { mkdtempSync, mkdirSync, rmSync, writeFileSync } from 'node:fs'
import { createHash } from 'node:crypto'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { chooseEndpoint } from '../../../src/drivers/docker/endpoint.ts'

let home = ''
beforeEach(() => (home = mkdtempSync(join(tmpdir(), 'bb-endpoint-'))))
afterEach(() => rmSync(home, { recursive: true }))

function context(name: string, host: string): void {
  const id = createHash('sha256').update(name).digest('hex')
  mkdirSync(join(home, '.docker/contexts/meta', id), { recursive: true })
  writeFileSync(
    join(home, '.docker/contexts/meta', id, 'meta.json'),
    JSON.stringify({ Name: name, Endpoints: { docker: { Host: host } } }),
  )
  writeFileSync(join(home, '.docker/config.json'), JSON.stringify({ currentContext: name }))
}

describe('[SPP-14] the engine', () => {
  it('is the one of DOCKER_HOST, before any context', () => {
    context('desk', 'unix:///desk.sock')
    expect(chooseEndpoint({ DOCKER_HOST: 'unix:///own.sock' }, home)).toMatchObject({
      kind: 'socket',
      path: '/own.sock',
      from: 'DOCKER_HOST',
    })
  })

  it('is the one of the current context, else the default socket', () => {
    expect(chooseEndpoint({}, home)).toMatchObject({ kind: 'socket', path: '/var/run/docker.sock' })
    context('desk', 'unix:///desk.sock')
    expect(chooseEndpoint({}, home)).toMatchObject({ path: '/desk.sock', from: 'docker context desk' })
  })

  it.each([
    ['tcp://10.0.0.1:2375', 'engine-plain-tcp'],
    ['tcp://127.0.0.1', 'engine-plain-tcp'],
    ['ssh://root@box', 'engine-ssh'],
    ['http://box', 'engine-endpoint'],
    ['tcp://a/b', 'engine-endpoint'],
    ['fd://', 'engine-endpoint'],
  ])('is refused as %s (%s)', (host, code) => {
    expect(() => chooseEndpoint({ DOCKER_HOST: host }, home)).toThrow(
      expect.objectContaining({ code, exit: 5 }),
    )
  })

  it('is refused in plain TCP by a context, too', () => {
    context('lan', 'tcp://10.0.0.1:2375')
    expect(() => chooseEndpoint({}, home)).toThrow(expect.objectContaining({ code: 'engine-plain-tcp' }))
  })

  it('is named when its context has no engine', () => {
    writeFileSync(join(mkdirp('.docker'), 'config.json'), JSON.stringify({ currentContext: 'lost' }))
    expect(() => chooseEndpoint({}, home)).toThrow(expect.objectContaining({ code: 'engine-context' }))
  })

  it('has its certificates checked before anything is sent', () => {
    const env = {
      DOCKER_HOST: 'tcp://box:2376',
      DOCKER_TLS_VERIFY: '1',
      DOCKER_CERT_PATH: join(home, 'none'),
    }
    expect(() => chooseEndpoint(env, home)).toThrow(expect.objectContaining({ code: 'engine-certificates' }))
  })
})

function mkdirp(name: string): string {
  mkdirSync(join(home, name), { recursive: true })
  return join(home, name)
}
