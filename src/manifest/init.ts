/** A first manifest: small, commented, valid, and doing something useful at once. */

export interface InitialManifest {
  readonly stack: string
  /** Name of the one bottle; default `dev`. */
  readonly bottle?: string
  /** Hosts that may be read from; default is one example. */
  readonly hosts?: readonly string[]
  /** A ready image; default is the base image. */
  readonly image?: string
  /** Names for `agent_provider.template`, the first as the example. */
  readonly providers?: readonly string[]
}

export function initialManifest({
  stack,
  bottle = 'dev',
  hosts = ['example.com'],
  image,
  providers = [],
}: InitialManifest): string {
  const routes = hosts.map(
    (host) => `        - host: ${JSON.stringify(host)}
          matches:
            - { methods: [GET, HEAD] }   # only reading; leave matches out to allow everything
`,
  )
  return `# yaml-language-server: $schema=./.bot-bottle/manifest.v1.json
# What bot-bottle keeps alive. \`bot-bottle diff\` shows what would change, \`bot-bottle apply\` makes it so.
version: 1
${`stack: ${stack}`.padEnd(40)} # the name that marks everything created from this file

bottles:
  ${bottle}:
${image === undefined ? '    # image: ghcr.io/acme/agent:2          # a ready image; without it the base image with a shell' : `    image: ${JSON.stringify(image)}`}
    resources: { cpus: 2, memory: 4GiB, pids: 512 }
    # agent_provider: { template: ${providers[0] ?? 'NAME'} }   # ${providers.join(', ')}: docs/providers.md; in place of image
    # workspace: { source: ./app, git: true }   # fills /workspace with this folder, once, without what .gitignore names
    env:
      CI: "1"                              # a literal; values are texts, so numbers stand in quotes
      # BUILD_ID: \${BUILD_ID}              # copied from your environment at apply
    egress:                                # everything that is not named here is refused
      log: blocks
      routes:${routes.length === 0 ? ' []' : ''}
${routes.join('')}        # A credential that the agent never sees: it names a variable of yours, and is put on the request outside.
        # - host: api.github.com
        #   matches:
        #     - { methods: [GET], paths: [{ prefix: /repos/acme/ }] }
        #   auth: { scheme: bearer, token_ref: GITHUB_TOKEN }
    # A remote that needs no key in the bottle: a deploy key is made for it alone, and revoked with it.
    # git:
    #   user: { name: Acme Bot, email: bot@acme.example }
    #   remotes:
    #     origin:
    #       url: ssh://git@gitea.acme.example/acme/app.git
    #       host_key: ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIEkyz67d4hUKz76at2p9fZ8GhBy0h2KDfaYpvHoUSUY4   # its own
    #       provisioned_key: { provider: gitea, api: https://gitea.acme.example/api/v1, token_ref: GITEA_ADMIN_TOKEN }
    #       push: { allow: ["refs/heads/agent/*"] }

# A task that \`bot-bottle apply\` starts the agent with; \`bot-bottle logs ${bottle}\` shows what it says.
# agents:
#   ${bottle}: { bottle: ${bottle}, headless: { prompt: "Make the tests pass." } }
`
}
