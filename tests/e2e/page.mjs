/* page.mjs - a page in Chromium, in a few colours and widths: what the tests
 * of pages share.  NODE_FOLDER has the modules, CHROMIUM is the browser.
 */
import { createRequire } from "node:module";
import { existsSync, readFileSync } from "node:fs";

const need = createRequire(process.env.NODE_FOLDER + "/");
const { chromium } = need("playwright-core");
let passed = 0;
let failed = 0;

function check(name, faults) {
  console.log(`${faults.length ? "not ok" : "ok"} ${name}`);
  faults.slice(0, 10).forEach(f => console.log("  " + f));
  faults.length ? failed++ : passed++;
}

async function open(browser, page, scheme, width, log) {
  const tab = await browser.newPage({ colorScheme: scheme, viewport: { width, height: 900 } });
  tab.on("console", m => log.push(`console ${m.type()}: ${m.text()}`));
  tab.on("pageerror", e => log.push(`page error: ${e.message}`));
  tab.on("requestfailed", r => log.push(`request failed: ${r.url()}`));
  tab.on("request", r => { if (!page.may(r.url())) log.push(`request: ${r.url()}`); });
  tab.on("dialog", d => { log.push(`dialog: ${d.message()}`); d.dismiss(); });
  await tab.goto(page.url);
  return tab;
}

async function axe(tab) {
  const file = process.env.NODE_FOLDER + "/node_modules/axe-core/axe.min.js";
  if (!existsSync(file)) return ["axe-core is not installed; tools/get-test-deps"];
  await tab.evaluate(readFileSync(file, "utf8"));
  const found = await tab.evaluate(() => globalThis.axe.run(document));
  return found.violations.map(v => `${v.id}: ${v.help} (${v.nodes.length}) ${v.nodes[0].html.slice(0, 160)}`);
}

/* Looks at page.url in each of page.views, [colour scheme, width]: page.look
 * runs inside it and gives the faults of what page.shows says; page.may(url)
 * tells which requests are its own; page.shot begins a screenshot's name;
 * page.then(tab, scheme) may do more.  Ends the process.
 */
export async function lookAt(page) {
  const browser = await chromium.launch({ executablePath: process.env.CHROMIUM, args: ["--no-sandbox"] });
  try {
    for (const [scheme, width] of page.views) {
      const log = [];
      const tab = await open(browser, page, scheme, width, log);
      const name = `${scheme}, ${width} wide`;
      check(`the page shows ${page.shows} (${name})`, await tab.evaluate(page.look));
      check(`nothing is wider than the window (${name})`, await tab.evaluate(() =>
        document.documentElement.scrollWidth > innerWidth ? ["page: " + document.documentElement.scrollWidth] : []));
      check(`axe finds nothing (${name})`, await axe(tab));
      await tab.screenshot({ path: `${page.shot}-${scheme}-${width}.png`, fullPage: true });
      if (page.then) await page.then(tab, scheme);
      check(`no console message, error or request (${name})`, log);
      await tab.close();
    }
  } finally {
    await browser.close();
  }
  console.log(`${passed} passed, ${failed} failed`);
  process.exit(failed ? 1 : 0);
}
