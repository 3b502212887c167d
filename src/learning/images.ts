/** Pictures of one size, 8 bits a channel, row major: `data[((n * height + y) * width + x) * channels + c]`. */
export interface Images {
  readonly data: Uint8Array
  readonly count: number
  readonly height: number
  readonly width: number
  /** 1 = grey, 3 = RGB. */
  readonly channels: 1 | 3
}

/** Pixels and sizes disagree, or two sets of pictures do. */
export class ImagesError extends Error {
  readonly _tag = "ImagesError"
  override readonly name = "ImagesError"
}

/** Bytes of one picture. */
export const imageSize = (images: Pick<Images, "height" | "width" | "channels">): number =>
  images.height * images.width * images.channels

/**
 * Make and check a set of pictures.
 * @throws ImagesError when `data` has another length than the sizes say.
 */
export const imagesOf = (
  data: Uint8Array,
  shape: { readonly height: number; readonly width: number; readonly channels: 1 | 3 },
): Images => {
  const size = imageSize(shape)
  if (size <= 0 || data.length % size !== 0)
    throw new ImagesError(
      `${data.length} bytes are not whole ${shape.height}×${shape.width}×${shape.channels} pictures of ${size} bytes`,
    )
  return { data, count: data.length / size, ...shape }
}

/** Picture `index`, as a view. */
export const imageAt = (images: Images, index: number): Uint8Array =>
  images.data.subarray(index * imageSize(images), (index + 1) * imageSize(images))

/** The pictures at `indices`, in that order (repeats allowed). */
export const selectImages = (images: Images, indices: ArrayLike<number>): Images => {
  const size = imageSize(images)
  const data = new Uint8Array(indices.length * size)
  for (let i = 0; i < indices.length; i++) data.set(imageAt(images, indices[i]), i * size)
  return { ...images, data, count: indices.length }
}
