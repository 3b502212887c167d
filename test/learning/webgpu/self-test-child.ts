// The self-test as it is ("all") or a third of it ("some"), and with an operator that the provider gets wrong put back.
import { adapterInUse } from "../../../src/learning/onnx-backend/adapter.ts"
import { Device } from "../../../src/learning/onnx-backend/device.ts"
import { registerOnnxBackend } from "../../../src/learning/onnx-backend/register.ts"
import { allTrials, selfTest, selfTestText } from "../../../src/learning/onnx-backend/self-test/self-test.ts"
import { webgpuForm } from "../../../src/learning/onnx-backend/webgpu-forms.ts"

const backend = await registerOnnxBackend({ threads: 1 })
const some = process.argv[2] === "some"
const right = selfTest(backend, () => allTrials().filter((_, i) => !some || i % 5 === 0))
const text = selfTestText(right)

// FusedConv with a sum, which the provider leaves out.
const asItIs = Object.getOwnPropertyDescriptor(Device.prototype, "target")
Device.prototype.target = function (this: Device, stays) {
  return {
    rewrite: (g, op, inputs, attributes) =>
      op === "FusedConv" ? undefined : webgpuForm(g, op, inputs, attributes),
    distrusted: this.distrusted,
    stays,
  }
}
const sums = () => allTrials().filter(({ name }) => /^(OnnxBatch|Softmax)/u.test(name))
backend.use("cpu")
const wrong = selfTest(backend, sums)
const distrusted = [...(backend.device?.distrusted ?? [])]

// An operation that is wrong wherever it is computed, as long as a GPU is in use.
if (asItIs !== undefined) Object.defineProperty(Device.prototype, "target", asItIs)
const [trial] = sums()
let refused = ""
try {
  selfTest(backend, () => [
    {
      ...trial,
      name: "Broken",
      run: () => (backend.device === undefined ? trial.run() : trial.run().map((t) => t.add(1))),
    },
  ])
} catch (error) {
  refused = error instanceof Error ? error.message : String(error)
}
console.log(
  JSON.stringify({
    adapter: adapterInUse(),
    text,
    names: right.names,
    failures: right.failures,
    fallbacks: backend.stats.fallbacks,
    wrong: wrong.failures,
    distrusted,
    refused,
  }),
)
