import { startGallery } from "../../../gallery/server.ts"

/** The gallery's address in every result, wherever it listens: results must not depend on a port. */
export const galleryUrl = "http://gallery.facet.localhost/w/api.php"
export const galleryPlace = "gallery.facet.localhost:80"

/** How long a gallery that nobody uses stays, in milliseconds: the next query of a crawl comes at once. */
const linger = 250

interface Running {
  readonly started: ReturnType<typeof startGallery>
  users: number
  closing: NodeJS.Timeout | undefined
}
const running = new Map<number, Running>()

/**
 * The port of this process's gallery of a seed, started by its first user and closed after its last: an open server
 * would keep the process alive.
 */
export const useGallery = async <A>(seed: number, use: (port: number) => Promise<A>): Promise<A> => {
  let gallery = running.get(seed)
  if (gallery === undefined)
    running.set(seed, (gallery = { started: startGallery({ seed, port: 0 }), users: 0, closing: undefined }))
  const mine = gallery
  clearTimeout(mine.closing)
  mine.users++
  try {
    return await use((await mine.started).port)
  } finally {
    mine.users--
    if (mine.users === 0)
      mine.closing = setTimeout(() => {
        running.delete(seed)
        mine.started.then(
          (server) => server.close(),
          () => undefined,
        )
      }, linger)
  }
}
