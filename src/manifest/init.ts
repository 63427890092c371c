/** A first manifest: small, commented, valid, and doing something useful at once. */

export interface InitialManifest {
  readonly stack: string
  /** Name of the one bottle; default `dev`. */
  readonly bottle?: string
  /** Hosts that may be read from; default is one example. */
  readonly hosts?: readonly string[]
  /** A ready image; default is the base image. */
  readonly image?: string
}

export function initialManifest({
  stack,
  bottle = 'dev',
  hosts = ['example.com'],
  image,
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
`
}
