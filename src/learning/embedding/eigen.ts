/** Eigenvalues, largest first, and in row k of `vectors` [n, n] the unit eigenvector of value k. */
export interface Eigen {
  readonly values: Float64Array
  readonly vectors: Float64Array
}

/**
 * Eigenvalues and -vectors of a symmetric matrix [n, n], row major: Householder reflections to tridiagonal form, then
 * implicit QL steps (Golub & Van Loan, Matrix Computations, §8.3). O(n³). Signs are made definite: of each vector the
 * component of largest size (the first of equals) is positive.
 * @throws RangeError for numbers that are not finite.
 */
export const symmetricEigen = (matrix: ArrayLike<number>, n: number): Eigen => {
  // At a scale of 1, squares neither overflow nor vanish.
  let scale = 0
  for (let i = 0; i < n * n; i++) scale = Math.max(scale, Math.abs(matrix[i]))
  if (!Number.isFinite(scale)) throw new RangeError(`a ${n}×${n} matrix with numbers that are not finite`)
  const unit = Float64Array.from({ length: n * n }, (_, i) => (scale === 0 ? 0 : matrix[i] / scale))
  // Columns of q become eigenvectors; kept transposed (row k = vector k), so that rotations run along memory.
  const { diagonal, below, q } = tridiagonal(unit, n)
  iterateQl(diagonal, below, q, n)
  const order = Array.from({ length: n }, (_, i) => i).toSorted((a, b) => diagonal[b] - diagonal[a] || a - b)
  const vectors = new Float64Array(n * n)
  for (const [k, from] of order.entries()) {
    const row = q.subarray(from * n, (from + 1) * n)
    let peak = 0
    for (let i = 1; i < n; i++) if (Math.abs(row[i]) > Math.abs(row[peak]) * (1 + 1e-9)) peak = i
    const sign = row[peak] < 0 ? -1 : 1
    for (let i = 0; i < n; i++) vectors[k * n + i] = sign * row[i]
  }
  return { values: Float64Array.from(order, (i) => diagonal[i] * scale), vectors }
}

interface Tridiagonal {
  readonly diagonal: Float64Array
  /** below[i] stands beside diagonal[i] and diagonal[i + 1]; the last is 0. */
  readonly below: Float64Array
  /** Orthogonal, [n, n]: row k belongs to diagonal[k]. */
  readonly q: Float64Array
}

const NOTHING = 1e-100

const tridiagonal = (matrix: ArrayLike<number>, n: number): Tridiagonal => {
  const a = Float64Array.from(matrix)
  const q = new Float64Array(n * n)
  for (let i = 0; i < n; i++) q[i * n + i] = 1
  const below = new Float64Array(n)
  const v = new Float64Array(n)
  const p = new Float64Array(n)
  for (let k = 0; k < n - 2; k++) {
    // The reflection I − 2 v vᵀ / vᵀv that clears column k below the subdiagonal.
    let norm = 0
    for (let i = k + 1; i < n; i++) norm = Math.hypot(norm, a[i * n + k])
    // Beside a largest entry of 1 that is 0, and its square could not be divided by.
    if (norm < NOTHING) continue
    const alpha = a[(k + 1) * n + k] > 0 ? -norm : norm
    let square = 0
    for (let i = k + 1; i < n; i++) {
      v[i] = a[i * n + k] - (i === k + 1 ? alpha : 0)
      square += v[i] * v[i]
    }
    const beta = 2 / square
    // a ← (I − βvvᵀ) a (I − βvvᵀ) = a − v wᵀ − w vᵀ, w = p − (β/2)(pᵀv) v, p = β a v.
    let dot = 0
    for (let i = k; i < n; i++) {
      let sum = 0
      for (let j = k + 1; j < n; j++) sum += a[i * n + j] * v[j]
      p[i] = beta * sum
      if (i > k) dot += p[i] * v[i]
    }
    const half = (beta / 2) * dot
    v[k] = 0
    for (let i = k; i < n; i++) p[i] -= half * v[i]
    for (let i = k; i < n; i++) for (let j = k; j < n; j++) a[i * n + j] -= v[i] * p[j] + p[i] * v[j]
    // q ← (I − βvvᵀ) q: its rows are combined, from k + 1 on.
    p.fill(0)
    for (let i = k + 1; i < n; i++) for (let j = 0; j < n; j++) p[j] += v[i] * q[i * n + j]
    for (let i = k + 1; i < n; i++) for (let j = 0; j < n; j++) q[i * n + j] -= beta * v[i] * p[j]
  }
  const diagonal = Float64Array.from({ length: n }, (_, i) => a[i * n + i])
  for (let i = 0; i + 1 < n; i++) below[i] = a[(i + 1) * n + i]
  return { diagonal, below, q }
}

const MOST_STEPS = 60

const iterateQl = (d: Float64Array, e: Float64Array, q: Float64Array, n: number): void => {
  let norm = 0
  for (let i = 0; i < n; i++) norm = Math.max(norm, Math.abs(d[i]) + Math.abs(e[i]))
  for (let l = 0; l < n; l++)
    for (let step = 0; ; step++) {
      let m = l
      for (; m + 1 < n; m++) {
        // Against the matrix as a whole: beside two diagonal entries near 0 nothing might ever be small enough.
        if (Math.abs(e[m]) <= Number.EPSILON * norm) break
      }
      if (m === l) break
      if (step === MOST_STEPS) throw new RangeError(`eigenvalues of a ${n}×${n} matrix do not converge`)
      // Wilkinson's shift.
      let g = (d[l + 1] - d[l]) / (2 * e[l])
      let r = Math.hypot(g, 1)
      g = d[m] - d[l] + e[l] / (g + (g < 0 ? -r : r))
      let [s, c, p] = [1, 1, 0]
      let i = m - 1
      for (; i >= l; i--) {
        const f = s * e[i]
        const b = c * e[i]
        r = Math.hypot(f, g)
        e[i + 1] = r
        if (r === 0) {
          d[i + 1] -= p
          e[m] = 0
          break
        }
        s = f / r
        c = g / r
        g = d[i + 1] - p
        r = (d[i] - g) * s + 2 * c * b
        p = s * r
        d[i + 1] = g + p
        g = c * r - b
        const [low, high] = [i * n, (i + 1) * n]
        for (let k = 0; k < n; k++) {
          const t = q[high + k]
          q[high + k] = s * q[low + k] + c * t
          q[low + k] = c * q[low + k] - s * t
        }
      }
      if (r === 0 && i >= l) continue
      d[l] -= p
      e[l] = g
      e[m] = 0
    }
}
