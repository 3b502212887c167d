import * as tf from "@tensorflow/tfjs"
import fc from "fast-check"
import { expect, it } from "vitest"
import { batchNormalize } from "../../../src/learning/onnx-backend/batch-normalization.ts"
import { OnnxBackend } from "../../../src/learning/onnx-backend/backend.ts"
import { backend, differences, tensor } from "./kit.ts"

/*
 * Lowerings look at their neighbours: a relu is computed with the normalization before it, a sum of gradients as it
 * is made, statistics of joined channels from those of the parts. So random programs of such operations are compared
 * with tfjs' cpu backend: value, intermediate results that are wanted as well, and the gradients of all parameters.
 */

const SHAPE: [number, number, number, number] = [2, 4, 5, 3]
const N = 0.1

/** An operation on the newest map (and an earlier one, counted from the newest); parameters are made as needed. */
interface Instruction {
  readonly op: keyof typeof OPERATIONS
  readonly other: number
}

type Parameter = (shape: Array<number>, offset?: number) => tf.Tensor
type Operation = (x: tf.Tensor, other: tf.Tensor, parameter: Parameter) => tf.Tensor

const conv = (x: tf.Tensor, out: number, size: number, parameter: Parameter): tf.Tensor => {
  const [n, h, w] = SHAPE
  const c = x.shape[3] ?? 1
  const filter = parameter([size, size, c, out]).as4D(size, size, c, out)
  return tf.conv2d(x.as4D(n, h, w, c), filter, 1, "same")
}
const norm = (x: tf.Tensor, parameter: Parameter): tf.Tensor => {
  const c = x.shape[3] ?? 1
  const [scale, offset] = [parameter([c], 1), parameter([c])]
  if (tf.engine().backend instanceof OnnxBackend) return batchNormalize(x, scale, offset, N).y
  const mean = tf.mean(x, [0, 1, 2])
  const centred = tf.sub(x, mean)
  const variance = tf.mean(tf.square(centred), [0, 1, 2])
  return tf.add(tf.mul(tf.div(centred, tf.sqrt(tf.add(variance, N))), scale), offset)
}
const map = (x: tf.Tensor): tf.Tensor4D => x.as4D(SHAPE[0], SHAPE[1], SHAPE[2], SHAPE[3])

const OPERATIONS = {
  conv3: (x, _, p) => conv(x, 3, 3, p),
  conv1: (x, _, p) => conv(x, 3, 1, p),
  norm: (x, _, p) => norm(x, p),
  normRelu: (x, _, p) => tf.relu(norm(x, p)),
  normAddRelu: (x, other, p) => tf.relu(tf.add(norm(x, p), other)),
  addNormRelu: (x, other, p) => tf.relu(tf.add(other, norm(x, p))),
  relu: (x) => tf.relu(x),
  add: (x, other) => tf.add(x, other),
  sub: (x, other) => tf.sub(x, other),
  mul: (x, other) => tf.mul(x, other),
  concatConv: (x, other, p) => conv(tf.concat([x, other], 3), 3, 1, p),
  concatNormConv: (x, other, p) => conv(tf.relu(norm(tf.concat([other, x], 3), p)), 3, 3, p),
  concatTwice: (x, other, p) => {
    const joined = tf.concat([other, x], 3)
    return conv(tf.relu(norm(tf.concat([joined, conv(tf.relu(norm(joined, p)), 2, 3, p)], 3), p)), 3, 1, p)
  },
  maxPool: (x) => tf.maxPool(map(x), 3, 1, "same"),
  scale: (x) => tf.mul(x, 0.7),
  tanh: (x) => tf.tanh(x),
  reverse: (x) => tf.reverse(x, 2),
  flat: (x) => tf.reshape(tf.sub(tf.reshape(x, [-1]), 0.1), SHAPE),
  turned: (x) => tf.transpose(tf.sin(tf.transpose(x, [2, 0, 3, 1])), [1, 3, 0, 2]),
  cut: (x) =>
    tf.pad(tf.slice(x, [0, 1, 0, 0], [-1, 2, -1, -1]), [
      [0, 0],
      [2, 0],
      [0, 0],
      [0, 0],
    ]),
  centred: (x) => tf.sub(x, tf.mean(x, [1, 2], true)),
  largest: (x) => tf.sub(x, tf.max(x, 3, true)),
  perChannel: (x, _, p) => tf.mul(x, p([3], 1)),
} satisfies { readonly [name: string]: Operation }

const isOperation = (name: string): name is keyof typeof OPERATIONS => name in OPERATIONS

const program = fc.array(
  fc.record({
    op: fc.constantFrom(...Object.keys(OPERATIONS).filter(isOperation)),
    other: fc.nat(3),
  }),
  { minLength: 2, maxLength: 9 },
)

/** Runs a program; `given` supplies its parameters in the order of use, and gets those that are missing. */
function run(
  instructions: ReadonlyArray<Instruction>,
  x: tf.Tensor,
  given: ReadonlyArray<tf.Tensor> | undefined,
  made: Array<tf.Tensor>,
): Array<tf.Tensor> {
  const maps = [x]
  let next = 0
  const parameter: Parameter = (shape, offset = 0) => {
    const known = given?.[next++]
    if (known !== undefined) return known
    const fresh = tf.add(tensor(shape, 100 + made.length, 0.6), offset)
    made.push(fresh)
    return fresh
  }
  for (const { op, other } of instructions) {
    const of: Operation = OPERATIONS[op]
    const newest = maps[maps.length - 1]
    maps.push(of(newest, maps[Math.max(0, maps.length - 2 - other)], parameter))
  }
  return maps
}

function everything(instructions: ReadonlyArray<Instruction>, kept: number): Array<tf.Tensor> {
  const x = tensor(SHAPE, 1)
  const parameters: Array<tf.Tensor> = []
  const maps = run(instructions, x, undefined, parameters)
  const f = (...inputs: Array<tf.Tensor>): tf.Tensor => {
    const [first, ...rest] = inputs
    const last = run(instructions, first, rest, []).at(-1)
    return last ?? first
  }
  const gradients = tf.grads(f)([x, ...parameters], tensor(SHAPE, 3))
  return [maps[maps.length - 1], maps[kept % maps.length], ...gradients]
}

it("programs of operations that are computed together are those of tfjs cpu, with their gradients", async () => {
  const long = process.env["FACET_LONG"] === "1"
  const before = backend.stats.fallbacks
  await fc.assert(
    fc.asyncProperty(fc.array(program, { minLength: 3, maxLength: 3 }), fc.nat(9), async (programs, kept) => {
      expect(await differences(() => programs.flatMap((p) => everything(p, kept)), 2e-4, 0.1)).toEqual([])
    }),
    { numRuns: long ? 150 : 10, seed: 3, endOnFailure: true },
  )
  expect(backend.stats.fallbacks).toBe(before)
})
