/* docs.mjs URL SHOTS - GET /docs in Chromium: every operation of its document
 * is shown with a line to try it, nothing is asked of the network, axe finds
 * nothing.  Each line is printed as "try METHOD PATH LINE", with tabs, for
 * who wants to run them.
 */
import { createRequire } from "node:module";
import { existsSync, readFileSync } from "node:fs";

const need = createRequire(process.env.NODE_FOLDER + "/");
const { chromium } = need("playwright-core");
const [url, shots] = process.argv.slice(2);
let passed = 0;
let failed = 0;

function check(name, faults) {
  console.log(`${faults.length ? "not ok" : "ok"} ${name}`);
  faults.slice(0, 10).forEach(f => console.log("  " + f));
  faults.length ? failed++ : passed++;
}

/* What the page must show for its own document. */
function look() {
  const data = JSON.parse(document.getElementById("data").textContent);
  const shown = [...document.querySelectorAll("article h3")].map(h => h.textContent);
  const want = Object.entries(data.paths).flatMap(([path, ops]) => Object.keys(ops).map(m => m.toUpperCase() + path));
  return [...want.filter(w => !shown.includes(w)).map(w => "lacks " + w),
    ...shown.filter((s, i) => shown.indexOf(s) !== i || !want.includes(s)).map(s => "has too much: " + s)];
}

async function axe(tab) {
  const file = process.env.NODE_FOLDER + "/node_modules/axe-core/axe.min.js";
  if (!existsSync(file)) return ["axe-core is not installed; tools/get-test-deps"];
  await tab.evaluate(readFileSync(file, "utf8"));
  const found = await tab.evaluate(() => globalThis.axe.run(document));
  return found.violations.map(v => `${v.id}: ${v.help} (${v.nodes.length}) ${v.nodes[0].html.slice(0, 160)}`);
}

const browser = await chromium.launch({ executablePath: process.env.CHROMIUM, args: ["--no-sandbox"] });
try {
  for (const [scheme, width] of [["light", 1100], ["dark", 420]]) {
    const log = [];
    const tab = await browser.newPage({ colorScheme: scheme, viewport: { width, height: 900 } });
    tab.on("console", m => log.push(`console ${m.type()}: ${m.text()}`));
    tab.on("pageerror", e => log.push(`page error: ${e.message}`));
    tab.on("request", r => { if (r.url() !== url && !r.url().startsWith("data:")) log.push(`request: ${r.url()}`); });
    await tab.goto(url);
    const name = `${scheme}, ${width} wide`;
    check(`the page shows every operation once (${name})`, await tab.evaluate(look));
    check(`nothing is wider than the window (${name})`, await tab.evaluate(() =>
      document.documentElement.scrollWidth > innerWidth ? ["page: " + document.documentElement.scrollWidth] : []));
    check(`axe finds nothing (${name})`, await axe(tab));
    check(`no console message, error or request (${name})`, log);
    await tab.screenshot({ path: `${shots}/docs-${scheme}-${width}.png`, fullPage: true });
    if (scheme === "light") {
      const lines = await tab.evaluate(() => [...document.querySelectorAll("article")].map(a =>
        [".method", ".path", ":scope > pre"].map(what => a.querySelector(what).textContent.replaceAll(" \\\n", "")).join("\t")));
      lines.forEach(line => console.log("try " + line));
    }
    await tab.close();
  }
} finally {
  await browser.close();
}
console.log(`${passed} passed, ${failed} failed`);
process.exit(failed ? 1 : 0);
