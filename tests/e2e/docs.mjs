/* docs.mjs URL SHOTS - GET /docs in Chromium: every operation of its document
 * is shown with a line to try it, nothing is asked of the network, axe finds
 * nothing.  Each line is printed as "try METHOD PATH LINE", with tabs, for
 * who wants to run them.
 */
import { lookAt } from "./page.mjs";

const [url, shots] = process.argv.slice(2);

/* What the page must show for its own document. */
function look() {
  const data = JSON.parse(document.getElementById("data").textContent);
  const shown = [...document.querySelectorAll("article h3")].map(h => h.textContent);
  const want = Object.entries(data.paths).flatMap(([path, ops]) => Object.keys(ops).map(m => m.toUpperCase() + path));
  return [...want.filter(w => !shown.includes(w)).map(w => "lacks " + w),
    ...shown.filter((s, i) => shown.indexOf(s) !== i || !want.includes(s)).map(s => "has too much: " + s)];
}

async function printLines(tab, scheme) {
  if (scheme !== "light") return;
  const lines = await tab.evaluate(() => [...document.querySelectorAll("article")].map(a =>
    [".method", ".path", ":scope > pre"].map(what => a.querySelector(what).textContent.replaceAll(" \\\n", "")).join("\t")));
  lines.forEach(line => console.log("try " + line));
}

await lookAt({
  url,
  may: asked => asked === url || asked.startsWith("data:"),
  views: [["light", 1100], ["dark", 420]],
  shows: "every operation once",
  look,
  shot: shots + "/docs",
  then: printLines,
});
