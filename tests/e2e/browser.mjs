/* browser.mjs PAGE SHOTS - opens a report in Chromium and looks at it:
 * no console message, no error, no request; every answer has a chart and a
 * table of all its rows; odd texts are shown as they are; axe finds nothing.
 */
import { createRequire } from "node:module";
import { existsSync, readFileSync } from "node:fs";

const need = createRequire(process.env.NODE_FOLDER + "/");
const { chromium } = need("playwright-core");
const [page, shots] = process.argv.slice(2);
let passed = 0;
let failed = 0;

function check(name, faults) {
  console.log(`${faults.length ? "not ok" : "ok"} ${name}`);
  faults.slice(0, 10).forEach(f => console.log("  " + f));
  faults.length ? failed++ : passed++;
}

/* What the page must show for each answer of its own data. */
function look() {
  const data = JSON.parse(document.getElementById("data").textContent);
  const faults = [];
  for (const a of data.answers) {
    const box = document.getElementById("a" + a.id);
    const bad = what => faults.push(`answer ${a.id}: ${what}`);
    if (!box) { bad("is not there"); continue; }
    const at = a.columns.indexOf((/y=(\S+)/.exec(a.chart) || [])[1]);
    const points = a.rows.filter(r => typeof r[at] === "number").length;
    const marks = box.querySelectorAll("svg.chart rect, svg.chart polyline").length;
    if (points > 0 && marks === 0) bad("has no chart");
    if (points === 0 && marks > 0) bad("has a chart of nothing");
    if (a.rows.length === 0 && !box.textContent.includes("No rows")) bad("does not say that it is empty");
    if (box.querySelectorAll("tbody tr").length !== a.rows.length) bad("lacks rows in its table");
    if (box.querySelectorAll("thead th[scope=col]").length !== a.columns.length) bad("lacks table heads");
    for (const text of [a.title, a.definition, a.question]) if (!box.textContent.includes(text)) bad("lacks " + text);
    a.rows.flat().filter(v => typeof v === "string").forEach(v => {
      if (!box.querySelector("table").textContent.includes(v)) bad("lacks the value " + v);
    });
    for (const svg of box.querySelectorAll("svg")) {
      if (/NaN|Infinity|undefined/.test(svg.outerHTML)) bad("draws what is no number");
    }
  }
  if (document.querySelectorAll("main script, main img").length) faults.push("data became elements");
  return faults;
}

async function open(browser, scheme, width, log) {
  const tab = await browser.newPage({ colorScheme: scheme, viewport: { width, height: 900 } });
  tab.on("console", m => log.push(`console ${m.type()}: ${m.text()}`));
  tab.on("pageerror", e => log.push(`page error: ${e.message}`));
  tab.on("requestfailed", r => log.push(`request failed: ${r.url()}`));
  tab.on("request", r => { if (!/^(file|data):/.test(r.url())) log.push(`request: ${r.url()}`); });
  tab.on("dialog", d => { log.push(`dialog: ${d.message()}`); d.dismiss(); });
  await tab.goto("file://" + page);
  return tab;
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
  for (const [scheme, width] of [["light", 1200], ["dark", 1200], ["light", 420]]) {
    const log = [];
    const tab = await open(browser, scheme, width, log);
    const name = `${scheme}, ${width} wide`;
    check(`the page shows every answer with chart and table (${name})`, await tab.evaluate(look));
    check(`nothing is wider than the window (${name})`, await tab.evaluate(() =>
      document.documentElement.scrollWidth > innerWidth ? ["page: " + document.documentElement.scrollWidth] : []));
    check(`axe finds nothing (${name})`, await axe(tab));
    await tab.screenshot({ path: `${shots}/report-${scheme}-${width}.png`, fullPage: true });
    check(`no console message, error or request (${name})`, log);
    await tab.close();
  }
} finally {
  await browser.close();
}
console.log(`${passed} passed, ${failed} failed`);
process.exit(failed ? 1 : 0);
