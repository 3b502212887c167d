import * as Schema from "effect/Schema"
import { autoBackend } from "../../learning/auto-backend.ts"
import type { Settled } from "../../runtime/node.ts"
import { param } from "./param.ts"

/** The parameter `backend` of nodes that compute with tensors. */
export const backendParam = (
  description = "tensor engine: onnx (ONNX Runtime on the processor), webgpu (the same on a GPU: Vulkan, Metal or Direct3D 12), tensorflow (where you installed tfjs-node-gpu or tfjs-node), cpu (slow reference); auto = tensorflow with a GPU, else webgpu on a hardware GPU, else onnx, and is the one it chose to the key",
) => param(Schema.Literals(["auto", "onnx", "webgpu", "cpu", "tensorflow"]), "auto", description)

/** Says what `auto` is on this machine. */
export const settleBackend = ({ backend }: { readonly backend: string }): Settled | undefined => {
  if (backend !== "auto") return undefined
  const choice = autoBackend()
  return { params: { backend: choice.backend }, why: `backend auto is ${choice.backend} here: ${choice.why}` }
}
