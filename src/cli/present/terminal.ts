import type { Paint } from "./colour.ts"
import { LiveArea } from "./live.ts"
import { Progress } from "./progress.ts"
import type { Reporter } from "./reporter.ts"

/** Time between two pictures of the run, in ms: whatever happens, the screen is written no more often. */
const FRAME = 100

/** A live view of a run: what is finished stays above, what is under way is redrawn below. */
export const terminalReporter = (stream: NodeJS.WriteStream, paint: Paint): Reporter => {
  const progress = new Progress(paint)
  const area = new LiveArea(stream)
  const draw = (): void => area.update(progress.takeAbove(), progress.lines(area.size, performance.now()))
  const timer = setInterval(draw, FRAME)
  timer.unref()
  stream.on("resize", draw)
  return {
    event: (event) => progress.event(event, performance.now()),
    close: () => {
      clearInterval(timer)
      stream.off("resize", draw)
      area.update(progress.takeAbove(), [])
      area.close()
    },
  }
}
