import { createServer, type IncomingMessage, type ServerResponse } from "node:http"
import type { AddressInfo } from "node:net"

export type Handler = (request: IncomingMessage, response: ServerResponse, nth: number) => void

/** A server on loopback with one behaviour per path; `nth` counts the requests of the path from 1. */
export interface NastyServer {
  readonly url: string
  readonly place: string
  readonly requests: ReadonlyArray<string>
  /** Most requests that were open at the same time. */
  readonly peak: () => number
  readonly close: () => Promise<void>
}

export const nastyServer = async (handlers: Readonly<Record<string, Handler>>): Promise<NastyServer> => {
  const requests: Array<string> = []
  let open = 0
  let peak = 0
  const server = createServer((request, response) => {
    const path = (request.url ?? "/").split("?", 1)[0]
    requests.push(path)
    peak = Math.max(peak, ++open)
    response.on("close", () => open--)
    const handler = handlers[path]
    if (handler === undefined) response.writeHead(404).end("nothing here")
    else handler(request, response, requests.filter((one) => one === path).length)
  })
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve))
  const { port } = server.address() as AddressInfo
  return {
    url: `http://127.0.0.1:${port}`,
    place: `127.0.0.1:${port}`,
    requests,
    peak: () => peak,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve())
        server.closeAllConnections()
      }),
  }
}

export const redirectTo =
  (location: string): Handler =>
  (_, response) =>
    response.writeHead(302, { location }).end("moved")
