import { classColours } from "./palette.ts"

/** Paper, ink and accents, `[light, dark]`; a test checks that text on each has a contrast of 4.5 at least. */
export const tones = {
  paper: ["#fdfcfa", "#17181b"],
  raised: ["#f5f2ec", "#202226"],
  ink: ["#1d1e20", "#eae7e1"],
  "ink-2": ["#5a5c60", "#aaa9a5"],
  "ink-3": ["#8d8f92", "#7d7f83"],
  rule: ["#dfdad0", "#36383d"],
  accent: ["#1b4b86", "#8fb8ec"],
  "accent-2": ["#a8571a", "#e5a266"],
  cell: ["#000000", "#ffffff"],
  heat: ["#174a86", "#86b6f2"],
  "note-paper": ["#fbefcf", "#352c12"],
  "note-ink": ["#4d3a00", "#f2dfa6"],
  "note-rule": ["#d9a514", "#c4962a"],
  link: ["#1b4b86", "#9cc2f2"],
} as const satisfies Readonly<Record<string, readonly [string, string]>>

const variables = (mode: 0 | 1): string =>
  [
    ...Object.entries(tones).map(([name, pair]) => `--${name}:${pair[mode]}`),
    ...classColours.map((pair, i) => `--c${i}:${pair[mode]}`),
  ].join(";")

/** The page's style sheet. */
export const style = `
:root{color-scheme:light dark;${variables(0)};
--serif:"Iowan Old Style","Palatino Linotype",Palatino,"URW Palladio L",Charter,Georgia,serif;
--sans:system-ui,-apple-system,"Segoe UI",Roboto,"Helvetica Neue",Arial,sans-serif}
@media (prefers-color-scheme:dark){:root{${variables(1)}}}
*{box-sizing:border-box}
html{-webkit-text-size-adjust:100%;text-size-adjust:100%;scroll-behavior:smooth}
@media (prefers-reduced-motion:reduce){html{scroll-behavior:auto}}
body{margin:0 auto;max-width:1240px;padding:0 28px 56px;background:var(--paper);color:var(--ink);font:16px/1.55 var(--sans);font-variant-numeric:tabular-nums}
p{max-width:44em;margin:.6em 0}
a{color:var(--link);text-underline-offset:.18em;text-decoration-thickness:.06em}
:focus-visible{outline:2px solid var(--accent);outline-offset:2px}
small,.small{font-size:.8125rem;color:var(--ink-2);font-weight:400}
.small{display:block}
.soft{color:var(--ink-2)}
.hidden,.skip:not(:focus){position:absolute;width:1px;height:1px;overflow:hidden;clip-path:inset(50%);white-space:nowrap}
.skip:focus{position:fixed;left:8px;top:8px;background:var(--paper);padding:8px 12px;z-index:2}
h1,h2{font-family:var(--serif);font-weight:500;letter-spacing:-.012em;text-wrap:balance}
h1{font-size:clamp(1.9rem,1.2rem + 2.6vw,3rem);line-height:1.12;margin:.1em 0 .45em;max-width:19em}
h2{font-size:1.65rem;line-height:1.2;margin:0 0 .35em}
h3{font-size:1rem;margin:1.6em 0 .35em}
h4{font-size:.8125rem;font-weight:500;color:var(--ink-2);margin:0}
header{padding:44px 0 8px}
.kicker{margin:0;font-size:.8125rem;letter-spacing:.09em;text-transform:uppercase;color:var(--ink-2)}
.lede{font-size:1.125rem;line-height:1.5;max-width:42em}
.notice{background:var(--note-paper);color:var(--note-ink);border-left:4px solid var(--note-rule);padding:.7em 1em;max-width:46em;border-radius:0 4px 4px 0}
.notice.small{font-size:.9375rem;color:var(--note-ink)}
nav ol{list-style:none;margin:0;padding:0;display:flex;flex-wrap:wrap;gap:.15em 1.1em;font-size:.875rem}
nav{padding:14px 0;border-top:1px solid var(--rule);border-bottom:1px solid var(--rule)}
nav a{text-decoration:none;color:var(--ink-2)}
nav a:hover{color:var(--link);text-decoration:underline}
main>section{padding:38px 0 6px;border-top:1px solid var(--rule)}
main>section.first{border-top:0;padding-top:26px}
@media (min-width:1080px){
body{display:grid;grid-template-columns:184px minmax(0,1fr);column-gap:52px}
header,footer{grid-column:2}
nav{grid-column:1;grid-row:1/span 3;border:0;padding:52px 0 0}
nav ol{position:sticky;top:32px;flex-direction:column;gap:.5em;line-height:1.3}
main{grid-column:2}
}
table{border-collapse:collapse;font-size:.9375rem}
caption{text-align:left;font-size:.875rem;color:var(--ink-2);padding:0 0 .5em;caption-side:top}
th{font-weight:500;text-align:left}
th,td{padding:.34em .9em .34em 0;vertical-align:top}
thead th{font-size:.8125rem;color:var(--ink-2);border-bottom:1px solid var(--rule);vertical-align:bottom;white-space:nowrap}
thead th.n{text-align:right}
tbody th{white-space:nowrap}
tbody th{font-weight:400}
tbody tr+tr>*{border-top:1px solid color-mix(in srgb,var(--rule) 55%,transparent)}
.n{text-align:right;white-space:nowrap}
thead.quiet th{font-size:.75rem;border:0;padding-bottom:0}
.wide{width:45%;min-width:90px}
.scroll{overflow-x:auto;max-width:100%}
svg{display:block;max-width:100%}
svg text{font-family:var(--sans);font-size:12px;fill:var(--ink-2)}
.chip{display:inline-block;width:.62em;height:.62em;border-radius:2px;background:var(--part);margin-right:.55em}
.strip{list-style:none;display:grid;grid-template-columns:repeat(auto-fit,minmax(84px,1fr));gap:14px;margin:0 0 26px;padding:0}
.strip li{border-bottom:3px solid var(--part);padding-bottom:6px;font-size:.875rem}
.strip img{width:100%;height:auto;aspect-ratio:1;object-fit:cover;display:block;border-radius:3px 3px 0 0;margin-bottom:6px}
img{background:var(--raised)}
table.headline{width:100%;min-width:min(100%,340px)}
.headline td,.headline th{padding-top:.65em;padding-bottom:.65em}
.headline tbody th{font-weight:500;padding-right:1.4em}
.headline thead th{font-size:.9375rem;color:var(--ink)}
.big{font:500 1.75rem/1.1 var(--serif);letter-spacing:-.01em}
.whisker{width:100%;max-width:220px;height:auto;margin:3px 0 1px}
.whisker .scale{stroke:var(--rule);stroke-width:1.5}
.whisker .base{stroke:var(--ink-2);stroke-width:1.5}
.whisker .range{stroke:var(--accent);stroke-width:3;stroke-linecap:round;opacity:.45}
.whisker .dot{fill:var(--accent)}
.caveat{font-size:.9375rem;border-left:3px solid var(--note-rule);padding-left:.8em}
.steps{display:flex;flex-wrap:wrap;gap:10px 40px;margin:26px 0 8px}
.steps div{display:flex;flex-direction:column-reverse}
.steps dd{margin:0;font:500 1.5rem/1.2 var(--serif)}
.steps dt{font-size:.8125rem;color:var(--ink-2)}
.columns{display:grid;grid-template-columns:repeat(auto-fit,minmax(min(100%,300px),1fr));gap:12px 48px;align-items:start}
.columns table{width:100%}
.settings{display:grid;grid-template-columns:minmax(0,1fr);gap:22px}
.yields{columns:290px;column-gap:40px}
.yields table{width:100%;font-size:.875rem;break-inside:avoid;margin:0 0 20px}
.yields caption{color:var(--ink);font-weight:600;border-bottom:2px solid var(--part);padding:0 0 .2em;margin-bottom:.2em}
.yields th,.yields td{padding:.12em .7em .12em 0;border:0!important}
.yields td:last-child,.yields th:last-child{padding-right:0}
.yields tbody th{max-width:14em;white-space:normal;overflow-wrap:anywhere}
.yields .wide,.stage .wide{vertical-align:middle;min-width:60px}
.bar rect{fill:var(--part)}
.bar .light{fill-opacity:.36}
.bar .outline{fill-opacity:.1;stroke:var(--part);stroke-width:1.2;stroke-opacity:.9}
table.counts{width:100%;min-width:720px}
.counts .wide{width:36%}
.counts .bar+.bar{margin-top:1px}
.counts th+.n{white-space:nowrap}
.faces{list-style:none;margin:.35em 0 0;padding:0;display:flex;flex-wrap:wrap;gap:7px}
.faces img{width:76px;height:76px;object-fit:cover;display:block;border-radius:3px}
.faces li{font-size:.75rem;color:var(--ink-2);max-width:76px;line-height:1.25;overflow-wrap:anywhere}
.faces.small img{width:56px;height:56px}
.faces.small li{max-width:56px}
.faces.small span{display:block;margin-top:2px}
.samples section{display:grid;grid-template-columns:104px minmax(0,1fr);gap:4px 18px;padding:9px 0}
.samples h3{margin:0;border-top:2px solid var(--part);padding-top:.2em;font-size:.9375rem}
.samples .faces{margin:0;display:grid;grid-template-columns:repeat(auto-fill,minmax(58px,1fr));gap:6px}
.samples .faces li{max-width:none}
.samples .faces img{width:100%;height:auto;aspect-ratio:1}
.clusters{display:grid;grid-template-columns:repeat(auto-fill,minmax(min(100%,350px),1fr));gap:22px 32px}
figure{margin:0}
figcaption{font-size:.8125rem;color:var(--ink-2);margin-top:.4em}
.cluster img{width:62px;height:62px}
.cluster li{max-width:62px}
.cluster .kept img{outline:2px solid var(--accent);outline-offset:1px}
.cluster .kept{margin-right:6px;color:var(--ink)}
.cluster .gone img{opacity:.72}
.cluster li span{display:block;margin-top:3px}
.cluster .more{align-self:center;font-size:.875rem}
.stages{columns:340px;column-gap:44px}
.stage{break-inside:avoid;padding-bottom:14px}
.stage h3{margin-top:0}
.stage table{width:100%;font-size:.875rem}
.stage th,.stage td{border:0!important;padding-top:.12em;padding-bottom:.12em}
.stage .n{padding-right:0}
.models{display:grid;gap:28px}
.models.beside{grid-template-columns:repeat(auto-fit,minmax(min(100%,420px),1fr));gap:28px 44px}
.model h3{font-size:1.0625rem;margin:.6em 0 0}
.meta{font-size:.8125rem;color:var(--ink-2);margin:.2em 0 .6em;max-width:60em}
.pair{display:grid;grid-template-columns:repeat(auto-fit,minmax(min(100%,330px),1fr));gap:10px 36px}
.pair figcaption{margin-top:0}
.curves{width:100%;max-width:520px}
.curves .grid{stroke:var(--rule);stroke-width:1}
.curves .mark{stroke:var(--ink-3);stroke-width:1;stroke-dasharray:2 3}
.curves .line{fill:none;stroke:var(--part);stroke-width:2.2;stroke-linejoin:round;stroke-linecap:round}
.curves .dashed{stroke-dasharray:5 4.5;stroke-width:1.8}
.curves .end{fill:var(--part)}
.curves .name{fill:var(--part)}
.matrices{display:grid;grid-template-columns:repeat(auto-fill,minmax(min(100%,410px),1fr));gap:28px 36px}
table.confusion{border-collapse:separate;border-spacing:2px;font-size:.875rem;width:100%;max-width:470px}
.confusion caption{color:var(--ink);padding-bottom:.3em}
.confusion caption small{display:block}
.confusion th{border:0!important;padding:.1em .5em .1em 0;vertical-align:middle}
.confusion thead th{text-align:center;padding:0 0 .2em}
.confusion thead th:first-child{text-align:left}
.confusion abbr{text-decoration:none;border-bottom:2px solid var(--part);cursor:help}
.corner{font-weight:400;font-size:.6875rem;white-space:nowrap}
.confusion td{border:0!important;padding:.2em 0 .15em;text-align:center;line-height:1.15;min-width:36px;height:38px;border-radius:3px;background:color-mix(in srgb,var(--heat) var(--v,0%),var(--raised))}
.confusion td b{font-weight:500;display:block}
.confusion td small{display:block;font-size:.6875rem;color:inherit}
.confusion td{color:var(--cell)}
.confusion .flip-l{color:#fff}
@media (prefers-color-scheme:dark){.confusion .flip-l{color:var(--cell)}.confusion .flip-d{color:#000}}
.confusion .zero b{color:var(--ink-2)}
.confusion .right{box-shadow:inset 0 0 0 1.5px color-mix(in srgb,var(--heat) 60%,transparent)}
.confusion .none{background:none;color:var(--ink-2)}
table.perclass{width:100%;min-width:860px;font-size:.875rem}
.perclass th,.perclass td{padding-right:.8em}
.perclass thead th[colspan]{font-size:.9375rem;color:var(--ink)}
.perclass .bar{margin:.1em 0}
.perclass td .small{font-size:.75rem;white-space:nowrap}
.perclass abbr{text-decoration:none}
.perclass .mean>*{border-top:1px solid var(--rule)}
.cards{list-style:none;margin:1em 0 0;padding:0;display:grid;grid-template-columns:repeat(auto-fill,minmax(min(100%,230px),1fr));gap:16px 24px}
.cards li{display:flex;gap:12px;align-items:flex-start}
.cards img{width:72px;height:72px;object-fit:cover;border-radius:3px;flex:none}
.cards p{margin:0;line-height:1.3;font-size:.9375rem}
.cards small{display:block;margin-top:.25em;line-height:1.3}
.was,.took{white-space:nowrap;border-bottom:2px solid var(--part)}
.layer{margin:.7em 0}
.named li,.gradcam li{max-width:none}
.named span,.gradcam span{display:block;margin-top:3px}
.named li{border-bottom:2px solid var(--part);padding-bottom:3px}
.gradcam{margin-top:.6em}
.gradcam>div{display:grid;grid-template-columns:78px minmax(0,1fr);gap:2px 12px;padding:6px 0}
.gradcam h4{color:var(--ink);border-top:2px solid var(--part);padding-top:.2em;justify-self:stretch}
.gradcam .faces{margin:0}
.gradcam li{flex:none}
.layer .faces{display:grid;grid-template-columns:repeat(auto-fill,minmax(92px,1fr));gap:10px 8px}
.layer .faces li{max-width:none}
.layer .faces img{width:100%;height:auto;aspect-ratio:1}
.natural{display:flex;gap:2px;margin-top:3px}
.layer .natural img{flex:1;min-width:0;width:0;height:auto}
.layer small{font-size:.6875rem;white-space:nowrap}
.gradcam li>div{display:flex;gap:2px}
.gradcam img{width:52px;height:52px}
.gradcam .wrong{outline:1.5px dashed var(--ink-2);outline-offset:3px;border-radius:2px}
.near{list-style:none;margin:.6em 0 0;padding:0}
.near>li{display:grid;grid-template-columns:132px minmax(0,1fr);gap:6px 14px;padding:9px 0}
.near>li+li{border-top:1px solid var(--rule)}
.near>li>div{display:flex;gap:8px;align-items:flex-start}
.near>li>div img{width:56px;height:56px;object-fit:cover;border-radius:3px;flex:none}
.near p{margin:0;line-height:1.3;font-size:.8125rem}
.near .was,.near .took{white-space:normal}
.near small{display:block;margin-top:.25em}
.near .faces{margin:0;display:grid;grid-template-columns:repeat(5,minmax(0,1fr));gap:6px}
.near .faces img{width:100%;height:auto;aspect-ratio:1}
.near .faces li{border-bottom:2px solid var(--part);padding-bottom:3px;max-width:none;font-size:.6875rem}
.legend{list-style:none;margin:.8em 0 0;padding:0;display:flex;flex-wrap:wrap;gap:.2em 1.3em;font-size:.875rem}
svg.map{width:100%;max-width:620px;height:auto;background:var(--raised);border-radius:4px;margin:.5em 0}
.map .learnt circle{fill:var(--part);fill-opacity:.3}
.map .judged circle{fill:var(--part);fill-opacity:.85}
.map .wrong circle{fill:var(--part);stroke:var(--took);stroke-width:2.4}
.map .names text{fill:var(--part);font-size:14px;font-weight:600;text-anchor:middle;paint-order:stroke;stroke:var(--paper);stroke-width:4px;stroke-linejoin:round}
.map .hits circle{fill:transparent}
.map .hits svg{display:none;pointer-events:none}
.map .hits g:hover circle{stroke:var(--ink);stroke-width:2}
.map .hits g:hover svg{display:block}
table.published{width:100%;max-width:760px;margin-top:1em}
.published thead th:first-child{width:42%}
.published tbody th{white-space:normal}
.published .group th{font-weight:600;padding-top:1.1em;border-bottom:1px solid var(--rule)}
.published .own>*{background:var(--raised)}
.published .own th{font-weight:500;padding-left:.6em}
.published .apart td,.published .apart th{color:var(--ink-2);font-style:italic}
.ticks,.crosses{list-style:none;margin:.3em 0;padding:0;max-width:34em}
.ticks li,.crosses li{padding:.28em 0 .28em 1.6em;position:relative}
.ticks li::before,.crosses li::before{position:absolute;left:0;font-weight:600}
.ticks li::before{content:"✓";color:var(--accent)}
.crosses li::before{content:"–";color:var(--ink-2)}
.authors{list-style:none;margin:.2em 0;padding:0;display:flex;flex-wrap:wrap;gap:.1em 1.1em;font-size:.875rem}
.authors li{overflow-wrap:anywhere}
footer{border-top:1px solid var(--rule);margin-top:36px;padding-top:10px;font-size:.875rem;color:var(--ink-2)}
@media (max-width:560px){
.samples section{grid-template-columns:1fr}
.samples h3{display:inline-block;justify-self:start;padding-right:1em}
.samples .faces{grid-template-columns:repeat(6,1fr);gap:4px}
.gradcam>div{grid-template-columns:1fr}
.gradcam h4{justify-self:start;padding-right:1em}
.published tbody th{white-space:normal}
body{padding:0 16px 40px}
header{padding-top:26px}
.strip{grid-template-columns:repeat(4,1fr);gap:10px}
.faces img{width:64px;height:64px}
.faces li{max-width:64px}
.gradcam .faces li,.named li{max-width:none}
.big{font-size:1.4rem}
.headline td,.headline tbody th{padding-right:.6em}
.gradcam img{width:48px;height:48px}
.cards{grid-template-columns:1fr}
.near>li{grid-template-columns:1fr}
.confusion td{min-width:31px;height:36px;font-size:.8125rem}
.confusion th{font-size:.8125rem;padding-right:.3em}
table.confusion{border-spacing:1px}
.corner{white-space:normal}
}
@media print{
:root{${variables(0)};color-scheme:light}
.confusion .flip-d{color:#000}
.confusion .flip-l{color:#fff}
*{print-color-adjust:exact;-webkit-print-color-adjust:exact}
body{display:block;max-width:none;padding:0;font-size:10.5pt}
nav,.skip{display:none}
.scroll{overflow:visible}
table.counts{min-width:0}
.stage,.cluster,.model,.cards li,.confusion,.samples section,figure,tr{break-inside:avoid}
h2,h3{break-after:avoid}
main>section{padding-top:22px}
a{color:inherit;text-decoration:none}
}
`
