import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { askedRequest, decide } from '../../../src/cli/egress/decide.ts'
import { desiredPolicy } from '../../../src/execute/routes.ts'
import { loadText } from '../manifest/loading.ts'

const names = readdirSync(join(import.meta.dirname, '../../../presets'))
  .map((file) => file.replace('.yaml', ''))
  .sort()

async function routesOf(preset: string, auth = '') {
  const { desired } = await loadText(
    `version: 1\nstack: a\nbottles:\n  dev:\n    egress:\n      routes:\n        - preset: ${preset}\n${auth}`,
  )
  return desired.resources
}
const AUTH = '          auth: { scheme: bearer, token_ref: TOKEN }\n'

/** What people use it for; every preset has one. */
const WORKS: Readonly<Record<string, readonly string[]>> = {
  alpine: ['GET https://dl-cdn.alpinelinux.org/alpine/v3.22/main/x86_64/APKINDEX.tar.gz'],
  'anthropic-api': [
    'POST https://api.anthropic.com/v1/messages',
    'GET https://api.anthropic.com/v1/models?limit=5',
  ],
  crates: [
    'GET https://index.crates.io/se/rd/serde',
    'GET https://static.crates.io/crates/serde/serde-1.0.0.crate',
  ],
  debian: [
    'GET http://deb.debian.org/debian/dists/trixie/InRelease',
    'GET http://deb.debian.org/debian-security/pool/updates/x.deb',
  ],
  'debian-https': ['GET https://deb.debian.org/debian/dists/trixie/InRelease'],
  'dockerhub-pull': [
    'GET https://auth.docker.io/token?service=registry.docker.io&scope=repository:library/alpine:pull',
    'GET https://registry-1.docker.io/v2/library/alpine/manifests/latest',
    'HEAD https://registry-1.docker.io/v2/library/alpine/blobs/sha256:0123',
    'GET https://production.cloudflare.docker.com/registry-v2/docker/registry/v2/blobs/sha256/01/0123/data?verify=1',
  ],
  'gemini-api': [
    'POST https://generativelanguage.googleapis.com/v1beta/models/gemini-2.5-pro:streamGenerateContent',
  ],
  'github-git-fetch': [
    'GET https://github.com/acme/app.git/info/refs?service=git-upload-pack',
    'POST https://github.com/acme/app.git/git-upload-pack',
  ],
  'github-read': [
    'GET https://api.github.com/repos/acme/app/issues?state=open',
    'GET https://api.github.com/search/code?q=x',
    'GET https://raw.githubusercontent.com/acme/app/main/README.md',
    'GET https://github.com/acme/app/releases/download/v1/app.tar.gz',
    'GET https://github.com/acme/app/archive/refs/tags/v1.tar.gz',
    'GET https://codeload.github.com/acme/app/tar.gz/refs/tags/v1',
    'GET https://release-assets.githubusercontent.com/github-production-release-asset/1/2?sp=r',
  ],
  'gitlab-git-fetch': [
    'GET https://gitlab.com/group/sub/app.git/info/refs?service=git-upload-pack',
    'POST https://gitlab.com/group/app.git/git-upload-pack',
  ],
  go: [
    'GET https://proxy.golang.org/github.com/!burnt!sushi/toml/@v/v1.5.0.mod',
    'GET https://sum.golang.org/lookup/golang.org/x/text@v0.3.0',
    'GET https://sum.golang.org/tile/8/0/x001/234',
  ],
  'huggingface-read': [
    'GET https://huggingface.co/api/models/org/model/revision/main',
    'HEAD https://huggingface.co/org/model/resolve/main/config.json',
    'GET https://huggingface.co/datasets/org/set/resolve/main/data.parquet',
    'GET https://cas-bridge.xethub.hf.co/xet-bridge-us/a/b?X-Amz-Expires=1',
  ],
  maven: ['GET https://repo.maven.apache.org/maven2/junit/junit/4.13.2/junit-4.13.2.pom'],
  npm: [
    'GET https://registry.npmjs.org/left-pad',
    'GET https://registry.npmjs.org/@types%2fnode',
    'GET https://registry.npmjs.org/@types/node/-/node-24.0.0.tgz',
  ],
  nuget: [
    'GET https://api.nuget.org/v3/index.json',
    'GET https://api.nuget.org/v3-flatcontainer/a/1.0.0/a.1.0.0.nupkg',
  ],
  'openai-api': [
    'POST https://api.openai.com/v1/responses',
    'POST https://api.openai.com/v1/chat/completions',
  ],
  packagist: ['GET https://repo.packagist.org/p2/monolog/monolog.json'],
  pypi: [
    'GET https://pypi.org/simple/requests/',
    'GET https://pypi.org/pypi/requests/2.32.0/json',
    'GET https://files.pythonhosted.org/packages/ab/cd/requests.whl',
  ],
  rubygems: ['GET https://index.rubygems.org/info/rails', 'GET https://rubygems.org/gems/rails-8.0.0.gem'],
  rustup: ['GET https://static.rust-lang.org/dist/channel-rust-stable.toml.sha256'],
  ubuntu: ['GET http://archive.ubuntu.com/ubuntu/dists/noble/InRelease'],
  yarn: ['GET https://registry.yarnpkg.com/left-pad'],
}

/** What makes credentials, writes, or gives rights away. */
const NEVER: Readonly<Record<string, readonly string[]>> = {
  'github-read': [
    'POST https://api.github.com/user/keys',
    'GET https://api.github.com/user/keys',
    'POST https://api.github.com/repos/a/b/keys',
    'GET https://api.github.com/repos/a/b/keys',
    'POST https://api.github.com/repos/a/b/hooks',
    'POST https://api.github.com/authorizations',
    'PUT https://api.github.com/repos/a/b/actions/secrets/X',
    'GET https://api.github.com/repos/a/b/actions/secrets',
    'GET https://api.github.com/repos/a/b/actions/runners/registration-token',
    'POST https://api.github.com/repos/a/b/actions/runners/registration-token',
    'POST https://api.github.com/app/installations/1/access_tokens',
    'POST https://api.github.com/applications/x/token',
    'POST https://api.github.com/repos/a/b/transfer',
    'DELETE https://api.github.com/repos/a/b',
    'PUT https://api.github.com/repos/a/b/contents/x',
    'POST https://api.github.com/repos/a/b/git/commits',
    'POST https://api.github.com/graphql',
    'POST https://api.github.com/gists',
    'POST https://github.com/login/oauth/access_token',
    'GET https://github.com/settings/tokens/new',
    'GET https://github.com/a/b/info/refs?service=git-upload-pack',
  ],
  'github-git-fetch': [
    'GET https://github.com/a/b.git/info/refs?service=git-receive-pack',
    'GET https://github.com/a/b.git/info/refs',
    'POST https://github.com/a/b.git/git-receive-pack',
    'POST https://github.com/a/b.git/info/lfs/objects/batch',
    'GET https://github.com/a/b',
  ],
  'gitlab-git-fetch': [
    'POST https://gitlab.com/a/b.git/git-receive-pack',
    'GET https://gitlab.com/api/v4/personal_access_tokens',
    'POST https://gitlab.com/oauth/token',
  ],
  npm: [
    'GET https://registry.npmjs.org/-/npm/v1/tokens',
    'GET https://registry.npmjs.org/-%2fnpm/v1/tokens',
    'POST https://registry.npmjs.org/-/npm/v1/tokens',
    'PUT https://registry.npmjs.org/-/user/org.couchdb.user:x',
    'PUT https://registry.npmjs.org/left-pad',
  ],
  'huggingface-read': [
    'POST https://huggingface.co/api/repos/create',
    'POST https://huggingface.co/api/models/a/b/commit/main',
    'GET https://huggingface.co/api/whoami-v2',
    'POST https://huggingface.co/oauth/token',
  ],
  'anthropic-api': [
    'POST https://api.anthropic.com/v1/organizations/api_keys',
    'GET https://api.anthropic.com/v1/organizations/api_keys',
    'POST https://api.anthropic.com/v1/files',
  ],
  'openai-api': [
    'POST https://api.openai.com/v1/organization/admin_api_keys',
    'POST https://api.openai.com/v1/realtime/client_secrets',
    'POST https://api.openai.com/v1/files',
  ],
  'gemini-api': [
    'POST https://generativelanguage.googleapis.com/upload/v1beta/files',
    'POST https://generativelanguage.googleapis.com/v1beta/models/x:predict',
  ],
  'dockerhub-pull': [
    'GET https://auth.docker.io/token?scope=repository:library/alpine:pull,push',
    'GET https://auth.docker.io/token?scope=repository:a/b:pull&scope=repository:a/b:push',
    'POST https://auth.docker.io/token?scope=repository:a/b:pull',
    'POST https://registry-1.docker.io/v2/a/b/blobs/uploads/',
    'PUT https://registry-1.docker.io/v2/a/b/manifests/latest',
  ],
}

describe('a preset that comes with the program', () => {
  test('has what it is for in this list', () => expect(Object.keys(WORKS)).toEqual(names))

  test.each(names)('serves what it is for: %s', async (name) => {
    const resources = await routesOf(name)
    for (const request of WORKS[name] ?? []) {
      const { allowed, rule } = decide(resources, 'dev', askedRequest(request, undefined, []))
      expect([request, allowed ? 'allowed' : rule]).toEqual([request, 'allowed'])
    }
  })

  test.each(Object.keys(NEVER))(
    '[CRD-17] %s makes no credential and changes nothing, with the strongest token on it',
    async (name) => {
      const resources = await routesOf(name, name === 'dockerhub-pull' ? '' : AUTH)
      for (const request of NEVER[name] ?? []) {
        const { allowed } = decide(resources, 'dev', askedRequest(request, undefined, []))
        expect([request, allowed]).toEqual([request, false])
      }
    },
  )

  test('every one that takes a credential is looked at here', async () => {
    const takes = await Promise.all(
      names.map(async (name) => {
        const resources = await routesOf(name, AUTH).catch(() => [])
        return desiredPolicy(resources, 'dev').egress.routes.some(({ auth }) => auth) ? [name] : []
      }),
    )
    expect(takes.flat().filter((name) => !(name in NEVER))).toEqual([])
    expect(takes.flat().length).toBeGreaterThan(5)
  })

  test.each(names)('sends no method but GET and HEAD, other than to named paths: %s', async (name) => {
    for (const { matches = [] } of desiredPolicy(await routesOf(name), 'dev').egress.routes)
      for (const { methods = [], paths = [] } of matches)
        if (methods.some((method) => method !== 'GET' && method !== 'HEAD'))
          expect(paths.every((path) => 'exact' in path || 'regex' in path)).toBe(true)
  })
})
