/** The entry of worker processes: `worker.js STORE`. */
import { serveTasks } from "../runtime/run/worker.ts"
import { definitionOf } from "./definition-of.ts"

serveTasks({ store: process.argv[2], definitionOf })
