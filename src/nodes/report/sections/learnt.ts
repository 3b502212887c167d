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

const layer = (data: ReportData, name: string, features: ReadonlyArray<ShownFeature>): Markup => {
  const classes = features.some((f) => f.label !== undefined)
  return html`<div class="layer">
    <h4>${classes ? "classes" : layerTitle(name)}</h4>
    <ul class="faces${classes ? " named" : ""}">
      ${features.map(
        (f) =>
          html`<li${f.label !== undefined && html` style="--part:${colourOf(f.label, data.classes)}"`}>${picture(
            f.thumb,
            f.label === undefined
              ? `Input that excites channel ${f.channel} of ${layerTitle(name)}`
              : `Input that the network takes for ${f.label}`,
          )}${f.label !== undefined && html`<span>${f.label}</span>`}</li>`,
      )}
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
            edges near the input to parts of faces near the output.
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
            Grad-CAM: the warmer a region, the more it spoke for the class that was answered. Framed ones were
            answered wrongly.
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
                                  ${picture(a.input, `A face labelled ${a.label}`)}${picture(
                                    a.overlay,
                                    `The same with the regions that spoke for ${a.predicted} (${percent(a.probability, 0)})`,
                                  )}<span
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
