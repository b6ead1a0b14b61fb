/* browser.mjs PAGE SHOTS - opens a report in Chromium and looks at it:
 * no console message, no error, no request; every answer has a chart and a
 * table of all its rows; odd texts are shown as they are; axe finds nothing.
 */
import { lookAt } from "./page.mjs";

const [page, shots] = process.argv.slice(2);

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

await lookAt({
  url: "file://" + page,
  may: url => /^(file|data):/.test(url),
  views: [["light", 1200], ["dark", 1200], ["light", 420]],
  shows: "every answer with chart and table",
  look,
  shot: shots + "/report",
});
