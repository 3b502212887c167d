import { describe, expect, it } from "vitest"
import { autoBackend, chooseBackend, type Machine } from "../../../src/learning/auto-backend.ts"
import { adapterOf } from "../../../src/learning/onnx-backend/adapter.ts"
import { OnnxGraph } from "../../../src/learning/onnx/graph.ts"
import { IDENTITY_MODEL } from "../../../src/learning/probe-webgpu.ts"

const fails = (): never => {
  throw new Error("asked the GPU without need")
}
const bare: Machine = {
  platform: "linux",
  tensorflowGpu: false,
  nvidia: undefined,
  drivers: [],
  devices: [],
  probe: fails,
}
const withDriver: Machine = {
  ...bare,
  drivers: ["/usr/share/vulkan/icd.d/lvp_icd.x86_64.json", "/etc/vulkan/icd.d/nvidia_icd.json"],
  devices: ["nvidia0"],
}
const answers = (...libraries: ReadonlyArray<string>): Machine => ({
  ...withDriver,
  probe: () => ({ ok: true, libraries }),
})

describe("backend auto", () => {
  it.each<readonly [string, Machine, string, RegExp]>([
    ["without a GPU", bare, "onnx", /there is no GPU/u],
    ["without a driver", { ...withDriver, drivers: [] }, "onnx", /nvidia0.*no Vulkan driver/u],
    [
      "with drivers that compute on the processor",
      { ...withDriver, drivers: ["/x/vk_swiftshader_icd.json", "/x/lvp_icd.x86_64.json"] },
      "onnx",
      /no Vulkan driver/u,
    ],
    ["with a GPU", answers("libc.so.6", "libGLX_nvidia.so.0", "libvulkan_lvp.so"), "webgpu", /NVIDIA/u],
    ["where only software answers", answers("libvk_swiftshader.so"), "onnx", /SwiftShader \(software\)/u],
    ["where who answers is unknown", answers("libc.so.6"), "onnx", /no hardware/u],
    [
      "with a GPU that fails",
      { ...withDriver, probe: () => ({ ok: false, why: "it ended by SIGSEGV" }) },
      "onnx",
      /can't be used: it ended by SIGSEGV/u,
    ],
    [
      "with TensorFlow and its card",
      { ...withDriver, tensorflowGpu: true, nvidia: "NVIDIA L4", probe: fails },
      "tensorflow",
      /tfjs-node-gpu.*NVIDIA L4/u,
    ],
    ["with TensorFlow for no card", { ...bare, tensorflowGpu: true }, "onnx", /no GPU/u],
    ["on Windows", { ...bare, platform: "win32" }, "onnx", /ask for webgpu/u],
    ["on a Mac", { ...answers(), platform: "darwin" }, "webgpu", /Metal/u],
  ])("%s", (_, machine, backend, why) => {
    const choice = chooseBackend(machine)
    expect(choice.backend).toBe(backend)
    expect(choice.why).toMatch(why)
  })

  it("is the same for the whole process", () => {
    expect(autoBackend()).toBe(autoBackend())
  })

  it("asks by a model that hands on what it gets", () => {
    const g = new OnnxGraph("probe")
    g.output(g.node("Identity", [g.input("x", "float32", ["n"])], {}, { names: ["y"] }), "float32", ["n"])
    expect(IDENTITY_MODEL).toBe(Buffer.from(g.toBytes()).toString("base64"))
  })
})

describe("the adapter", () => {
  it("is known by its driver, hardware first", () => {
    expect(adapterOf(["libvulkan_lvp.so", "libvulkan_radeon.so"])).toEqual({
      name: "AMD GPU (libvulkan_radeon.so)",
      software: false,
    })
    expect(adapterOf(["libvulkan.so.1"]).software).toBeUndefined()
  })
})
