import type { Corpus, Page } from "./corpus.ts"
import { keywords } from "./keywords.ts"
import { listedPath } from "./search.ts"

const escape = (text: string): string =>
  text.replace(/[&<>"]/gu, (c) => ({ "&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;" })[c]!)

const style = `:root{color-scheme:light dark;--ink:#1c2330;--paper:#f6f5f2;--card:#fff;--line:#dedad2;--mute:#6b7280;--accent:#2f6f6a}
@media(prefers-color-scheme:dark){:root{--ink:#e8e6e1;--paper:#15181d;--card:#1e232b;--line:#323a45;--mute:#9aa3af;--accent:#79c2ba}}
*{box-sizing:border-box}body{margin:0;font:15px/1.5 system-ui,sans-serif;color:var(--ink);background:var(--paper)}
main{max-width:1180px;margin:0 auto;padding:28px 20px 60px}h1{font-size:22px;margin:0 0 4px}p{color:var(--mute);margin:4px 0 16px}
form{display:flex;gap:8px;margin:0 0 14px}input{flex:1;font:inherit;padding:10px 14px;border:1px solid var(--line);border-radius:8px;background:var(--card);color:inherit}
button{font:inherit;padding:10px 18px;border:0;border-radius:8px;background:var(--accent);color:var(--paper);cursor:pointer}
.words a{display:inline-block;margin:0 6px 6px 0;padding:2px 9px;border:1px solid var(--line);border-radius:99px;font-size:13px}
a{color:var(--accent);text-decoration:none}.grid{display:grid;grid-template-columns:repeat(auto-fill,minmax(168px,1fr));gap:14px;margin-top:18px}
figure{margin:0;background:var(--card);border:1px solid var(--line);border-radius:10px;overflow:hidden}figure img{display:block;width:100%;aspect-ratio:1;object-fit:cover;background:var(--line)}
figcaption{padding:8px 10px;font-size:12.5px;line-height:1.4}figcaption span{color:var(--mute);display:block}nav{margin-top:20px;display:flex;gap:16px}`

const shell = (title: string, body: string): string =>
  `<!doctype html><html lang="en"><meta charset="utf-8"><meta name="viewport" content="width=device-width,initial-scale=1"><title>${escape(title)}</title><style>${style}</style><main>${body}</main></html>`

const card = (page: Page): string =>
  `<figure><a href="/wiki/${encodeURI(page.title.replaceAll(" ", "_"))}"><img loading="lazy" src="${listedPath(page)}" alt=""></a><figcaption>${escape(page.title.slice(5))}<span>${escape(page.author)} · ${escape(page.license.name)}</span></figcaption></figure>`

/** The search page that `/` shows. */
export const searchPage = (corpus: Corpus, query: string, from: number): string => {
  const step = 48
  const found = query === "" ? [] : corpus.find(query)
  const link = (q: string, at: number): string => `/?q=${encodeURIComponent(q)}&from=${at}`
  const words = keywords
    .map(({ word }) => `<a href="${link(`${word} face`, 0)}">${escape(word)}</a>`)
    .join("")
  const count = query === "" ? "" : `<p>${found.length} results for “${escape(query)}”</p>`
  const back = from > 0 ? `<a href="${link(query, Math.max(0, from - step))}">← previous</a>` : ""
  const next = from + step < found.length ? `<a href="${link(query, from + step)}">next →</a>` : ""
  return shell(
    "Gallery",
    `<h1>Gallery</h1><p>A local image service. Every picture and every person here is drawn by a program; none exists.</p>
<form action="/"><input name="q" value="${escape(query)}" placeholder="rage face" autofocus><button>Search</button></form>${count}
${query === "" ? `<div class="words">${words}</div>` : ""}<div class="grid">${found
      .slice(from, from + step)
      .map(card)
      .join("")}</div><nav>${back}${next}</nav>`,
  )
}

/** The description page of one file. */
export const filePage = (page: Page): string =>
  shell(
    page.title,
    `<p><a href="/">Gallery</a></p><h1>${escape(page.title)}</h1><figure style="max-width:420px"><img style="aspect-ratio:auto" src="${listedPath(page)}" alt=""><figcaption>${escape(page.author)}, ${page.date}<span>${page.license.url === undefined ? escape(page.license.name) : `<a href="${page.license.url}">${escape(page.license.name)}</a>`} · drawn by a program</span></figcaption></figure>`,
  )

/** What a broken server sends in place of a picture. */
export const brokenPage = shell(
  "503 Service Unavailable",
  "<h1>503 Service Unavailable</h1><p>The image backend is overloaded. Try again later.</p>",
)
