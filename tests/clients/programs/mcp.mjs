import { createRequire } from 'node:module'
import { pathToFileURL } from 'node:url'

const [, , url, modules] = process.argv
const from = createRequire(`${modules}/`)
const load = (name) => import(pathToFileURL(from.resolve(`@modelcontextprotocol/sdk/client/${name}`)).href)
const { Client } = await load('index.js')
const { StreamableHTTPClientTransport } = await load('streamableHttp.js')

const client = new Client({ name: 'a client', version: '1' })
await client.connect(new StreamableHTTPClientTransport(new URL(url)))
const { tools } = await client.listTools()
process.stdout.write(`tools ${tools.map(({ name }) => name).join()}\n`)
const progress = []
const { content } = await client.callTool({ name: 'count', arguments: {} }, undefined, {
  onprogress: (one) => progress.push(one.progress),
})
process.stdout.write(`progress ${progress.join()} said ${content[0].text}\n`)
await client.close()
