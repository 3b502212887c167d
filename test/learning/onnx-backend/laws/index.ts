import { binaryLaws, unaryLaws } from "./elementwise.ts"
import type { Law } from "./law.ts"
import { batchNormLaws, resizeLaws } from "./picture.ts"
import { matMulLaws, reduceLaws } from "./reduce.ts"
import { creationLaws, selectLaws, shapeLaws } from "./shape.ts"
import { convLaws, poolLaws } from "./window.ts"

/** What each kernel has to do, by its name. */
export const LAWS: { readonly [name: string]: Law } = {
  ...binaryLaws,
  ...unaryLaws,
  ...creationLaws,
  ...shapeLaws,
  ...selectLaws,
  ...reduceLaws,
  ...matMulLaws,
  ...convLaws,
  ...poolLaws,
  ...resizeLaws,
  ...batchNormLaws,
}
