import { type ReportData, type ShownFeature, titleOf } from "../data.ts"
import { percent, words } from "../format.ts"
import { html, type Markup } from "../markup.ts"
import { colourOf } from "../palette.ts"
import { picture } from "./picture.ts"
import type { Section } from "./section.ts"

const layers = (features: ReadonlyArray<ShownFeature>): ReadonlyArray<string> => [
  ...new Set(features.map((f) => f.layer)),
]

/** Our networks' layers in words; other names as they are. */
export const layerTitle = (name: string): string => {
  const end = /^(block|stage)(\d+)(?:_block\d+)?_out$/.exec(name)
  if (end !== null) return `end of ${end[1]} ${end[2]}`
  if (name === "features") return "last layer"
  return name.startsWith("stem") ? "first layer" : words(name)
}

/** A value of a channel or a logit, short. */
const amount = (value: number): string => (Math.abs(value) < 10 ? value.toFixed(1) : value.toFixed(0))

const what = ({ layer: name, channel, label }: ShownFeature): string =>
  label !== undefined
    ? `Input that the network takes for ${label}`
    : channel === undefined
      ? `Input that excites all of ${layerTitle(name)}`
      : `Input that excites channel ${channel} of ${layerTitle(name)}`

const drawn = (f: ShownFeature, classes: ReadonlyArray<string>): Markup => {
  const [best] = f.examples
  return html`<li${f.label !== undefined && html` style="--part:${colourOf(f.label, classes)}"`}>
    ${picture(f.thumb, what(f))}${f.label !== undefined && html`<span>${f.label}</span>`}${
      best !== undefined &&
      html`<div class="natural">
          ${f.examples.map((e) => picture(e.thumb, `A test face labelled ${e.label} that excites it much`))}
        </div>
        <small title="what it is excited by the drawn picture, and by the test face that excites it most"
          >${amount(f.value)} | ${amount(best.value)}</small
        >`
    }
  </li>`
}

const layer = (data: ReportData, name: string, features: ReadonlyArray<ShownFeature>): Markup => {
  const classes = features.some((f) => f.label !== undefined)
  return html`<div class="layer">
    <h4>${classes ? "classes" : layerTitle(name)}</h4>
    <ul class="faces${classes ? " named" : ""}">
      ${features.map((f) => drawn(f, data.classes))}
    </ul>
  </div>`
}

/** Feature pictures. */
export const featuresSection = (data: ReportData): Section | undefined => {
  const nodes = [...new Set(data.features.map((f) => f.model))]
  return nodes.length === 0
    ? undefined
    : {
        id: "features",
        title: "What the networks look for",
        short: "Features",
        body: html`<p>
            Each picture began as noise and was changed step by step until it excited one channel of a layer,
            or one class, as much as it could. Nobody drew these: they show what the network responds to, from
            edges near the input to parts of faces near the output. They are no faces: a network that takes
            the mean over the picture counts parts, wherever and however often they
            stand.${
              data.features.some((f) => f.examples.length > 0) &&
              " Small below: the test faces that excite the same thing most, and how much the drawing and the first of them do."
            }
          </p>
          <div class="models beside">
            ${nodes.map((node) => {
              const own = data.features.filter((f) => f.model === node)
              return html`<section class="model">
                <h3>${titleOf(data.models, node)}</h3>
                ${layers(own).map((name) =>
                  layer(
                    data,
                    name,
                    own.filter((f) => f.layer === name),
                  ),
                )}
              </section>`
            })}
          </div>`,
      }
}

const METHODS: Readonly<Record<string, string>> = { gradcam: "Grad-CAM", "gradcam++": "Grad-CAM++" }

/** The methods shown, in the order of the pictures. */
const methods = (data: ReportData): string => {
  const names = (data.attention[0]?.overlays ?? []).map(({ method }) => METHODS[method] ?? method)
  return names.length === 2 ? `each face, then ${names[0]}, then ${names[1]}` : names.join(", ")
}

/** Where the networks looked (Grad-CAM). */
export const attentionSection = (data: ReportData): Section | undefined => {
  const nodes = [...new Set(data.attention.map((a) => a.model))]
  return nodes.length === 0
    ? undefined
    : {
        id: "attention",
        title: "Where they looked",
        short: "Attention",
        body: html`<p>
            The warmer a region, the more it spoke for the class that was answered: ${methods(data)}. Framed
            ones were answered wrongly.
          </p>
          <div class="models beside">
            ${nodes.map((node) => {
              const own = data.attention.filter((a) => a.model === node)
              const labels = data.classes.filter((label) => own.some((a) => a.label === label))
              return html`<section class="model">
                <h3>${titleOf(data.models, node)}</h3>
                <div class="gradcam">
                  ${labels.map(
                    (label) =>
                      html`<div style="--part:${colourOf(label, data.classes)}">
                        <h4>${label}</h4>
                        <ul class="faces">
                          ${own
                            .filter((a) => a.label === label)
                            .map(
                              (a) =>
                                html`<li class="${a.predicted === a.label ? "" : "wrong"}">
                                  <div>
                                    ${picture(a.input, `A face labelled ${a.label}`)}${a.overlays.map((o) =>
                                      picture(
                                        o.thumb,
                                        `The same with the regions that spoke for ${a.predicted} (${percent(a.probability, 0)}), by ${METHODS[o.method] ?? o.method}`,
                                      ),
                                    )}
                                  </div>
                                  <span
                                    >${a.predicted === a.label ? percent(a.probability, 0) : `→ ${a.predicted} ${percent(a.probability, 0)}`}</span
                                  >
                                </li>`,
                            )}
                        </ul>
                      </div>`,
                  )}
                </div>
              </section>`
            })}
          </div>`,
      }
}
