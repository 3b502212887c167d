/** Colour slots of the page's style sheet: `--c0` … `--c9`, each with a light and a dark value. */
const SLOTS: Readonly<Record<string, number>> = {
  anger: 0,
  angry: 0,
  disgust: 1,
  fear: 2,
  happiness: 3,
  happy: 3,
  sadness: 4,
  sad: 4,
  surprise: 5,
  neutral: 6,
  contempt: 7,
}
export const slots = 10

/** The slot of a class: fixed for the names of the field, by position for others. */
export const slotOf = (label: string, classes: ReadonlyArray<string>): number =>
  SLOTS[label.toLowerCase()] ?? Math.max(0, classes.indexOf(label)) % slots

/** As a CSS value. */
export const colourOf = (label: string, classes: ReadonlyArray<string>): string =>
  `var(--c${slotOf(label, classes)})`

/** Two-letter headings of narrow columns; longer where two classes would read the same. */
export const abbreviations = (classes: ReadonlyArray<string>): ReadonlyArray<string> => {
  for (let length = 2; length < 12; length++) {
    const short = classes.map((name) => {
      const cut = Array.from(name).slice(0, length).join("")
      return cut.charAt(0).toUpperCase() + cut.slice(1)
    })
    if (new Set(short).size === classes.length) return short
  }
  return classes
}

/** `[light, dark]` of each slot. */
export const classColours: ReadonlyArray<readonly [string, string]> = [
  ["#c2403a", "#e8766d"],
  ["#6b8a22", "#a3c057"],
  ["#7450b0", "#ac8fe0"],
  ["#c98a00", "#eebb45"],
  ["#2f6fbe", "#77abea"],
  ["#0e8c86", "#4cc4bb"],
  ["#6e7781", "#a3adb8"],
  ["#a34a7d", "#dc8db6"],
  ["#8a5a2b", "#cf9f6d"],
  ["#47665a", "#93b8a8"],
]
