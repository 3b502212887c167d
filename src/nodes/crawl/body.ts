import { pipeline, type Duplex, type Readable } from "node:stream"
import { createBrotliDecompress, createGunzip, createInflate } from "node:zlib"
import { failure } from "./failure.ts"

const decoders: Readonly<Record<string, (() => Duplex) | undefined>> = {
  gzip: createGunzip,
  "x-gzip": createGunzip,
  deflate: createInflate,
  br: createBrotliDecompress,
}

/**
 * Reads a body to its end, never holding more than `maxBytes`: the count is of decoded bytes, so a small body that
 * unpacks to a huge one stops there too.
 * @param encoding the header Content-Encoding
 * @throws FetchFailure `too-large`, `encoding`; errors of the stream as they come
 */
export const readBody = async (
  body: Readable,
  encoding: string | undefined,
  maxBytes: number,
  url: string,
): Promise<Uint8Array> => {
  const name = encoding?.trim().toLowerCase() ?? ""
  let stream: AsyncIterable<Uint8Array> = body
  if (name !== "" && name !== "identity") {
    const decoder = decoders[name]
    if (decoder === undefined) {
      body.destroy()
      throw failure("encoding", url, `content encoding ${name} is not understood`)
    }
    // The callback only keeps an error from being unhandled: it comes out of the loop below as well.
    stream = pipeline(body, decoder(), () => undefined)
  }
  const parts: Array<Uint8Array> = []
  let length = 0
  for await (const part of stream) {
    length += part.length
    if (length > maxBytes) {
      body.destroy()
      throw failure("too-large", url, `longer than ${maxBytes} bytes`)
    }
    parts.push(part)
  }
  return Buffer.concat(parts, length)
}
