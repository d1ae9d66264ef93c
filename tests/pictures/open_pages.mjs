// Opens pages in a real browser, in light and dark, wide and at 360 pixels; any error, request or finding of axe-core
// is said in a line, and the exit status is 1. Usage: node open_pages.mjs MODULES CHROMIUM ORDERS.json
import { createRequire } from "node:module";
import { readFileSync } from "node:fs";

const [modules, chromium, given] = process.argv.slice(2);
const require = createRequire(`${modules}/`);
const puppeteer = require("puppeteer-core");
const axe = readFileSync(require.resolve("axe-core/axe.min.js"), "utf-8");
const orders = JSON.parse(readFileSync(given, "utf-8"));
const WIDTHS = { wide: 1280, phone: 360 };
const SMALLEST_TEXT = 10.5;

// What is asked of every page, inside it.
const look = (smallest) => {
  const problems = [];
  const root = document.scrollingElement;
  if (root.scrollWidth > root.clientWidth) problems.push(`is ${root.scrollWidth} pixels wide, ${root.clientWidth} can be seen`);
  for (const text of document.querySelectorAll("svg text")) {
    const svg = text.ownerSVGElement.getBoundingClientRect();
    if (!svg.width) continue; // the picture for the other width
    const size = parseFloat(getComputedStyle(text).fontSize) * svg.width / text.ownerSVGElement.viewBox.baseVal.width;
    if (size < smallest) problems.push(`text of ${size.toFixed(1)} pixels: ${text.textContent}`);
    const box = text.getBoundingClientRect();
    if (box.left < svg.left - 1 || box.right > svg.right + 1) problems.push(`cut: ${text.textContent}`);
  }
  return problems;
};

// Tab by tab through the page, as far as `most`; what opens is opened with Enter, so that what is in it is walked, too.
const walk = async (page, most) => {
  // From the top, whatever was typed before, and wherever that was.
  await page.evaluate(() => {
    const find = document.querySelector("#find");
    if (find) {
      find.value = "";
      find.dispatchEvent(new Event("input", { bubbles: true }));
    }
    document.documentElement.tabIndex = -1;
    document.documentElement.focus();
    document.documentElement.removeAttribute("tabindex");
  });
  for (let press = 0; press < most; press += 1) {
    await page.keyboard.press("Tab");
    const active = await page.evaluate(() => {
      const active = document.activeElement;
      if (active === document.body || "reached" in active.dataset) return "";
      active.dataset.reached = "";
      return active.tagName;
    });
    if (!active) return true;
    if (active === "SUMMARY") {
      await page.keyboard.press("Enter");
      const closed = await page.evaluate(() => !document.activeElement.parentElement.open);
      if (closed) await page.evaluate(() => { document.activeElement.dataset.closed = ""; });
    }
  }
  return false;
};

// Facts are text, in what opens, in what scrolls, or under a pointer: which of them did the walk not come to?
const unreached = (whole) => {
  const problems = [];
  const reached = [...document.querySelectorAll("[data-reached]")];
  const last = reached.at(-1);
  const walked = (each) => whole || (last && each.compareDocumentPosition(last) & Node.DOCUMENT_POSITION_FOLLOWING);
  const name = (each) => `${each.tagName.toLowerCase()}: ${each.textContent.trim().slice(0, 60)}`;
  for (const each of document.querySelectorAll("summary")) {
    if (!each.checkVisibility() || !walked(each)) continue;
    if (!("reached" in each.dataset)) problems.push(`the keyboard does not reach ${name(each)}`);
    if ("closed" in each.dataset) problems.push(`Enter does not open ${name(each)}`);
  }
  for (const each of document.querySelectorAll("main *")) {
    const { overflowX, overflowY } = getComputedStyle(each);
    const moves = (overflow, inside, outside) => /auto|scroll|hidden|clip/.test(overflow) && inside > outside + 1;
    const scrolls = moves(overflowX, each.scrollWidth, each.clientWidth) || moves(overflowY, each.scrollHeight, each.clientHeight);
    if (!scrolls || each.closest("svg") || each.clientWidth < 2 || !each.checkVisibility() || !walked(each)) continue;
    if (!("reached" in each.dataset) && !each.querySelector("[data-reached]")) problems.push(`the keyboard does not scroll ${name(each)}`);
  }
  const text = document.body.textContent;
  for (const each of document.querySelectorAll("main [title]")) {
    if (!text.includes(each.title)) problems.push(`only a pointer finds out: ${each.title}`);
  }
  return problems;
};

const browser = await puppeteer.launch({
  executablePath: chromium,
  args: ["--disable-gpu", ...(process.getuid() === 0 ? ["--no-sandbox"] : [])],
});
const problems = [];
try {
  for (const order of orders) {
    for (const scheme of ["light", "dark"]) {
      for (const [width, pixels] of Object.entries(WIDTHS)) {
        const where = `${order.name} (${scheme}, ${width})`;
        const say = (text) => problems.push(`${where}: ${text}`);
        const page = await browser.newPage();
        page.on("console", (message) => say(`console: ${message.type()}: ${message.text()}`));
        page.on("pageerror", (error) => say(`error: ${error.message}`));
        page.on("request", (request) => {
          if (request.url() !== order.url && !request.url().startsWith("data:")) say(`asks for ${request.url()}`);
        });
        await page.setViewport({ width: pixels, height: 900, deviceScaleFactor: 1 });
        await page.emulateMediaFeatures([{ name: "prefers-color-scheme", value: scheme }]);
        await page.goto(order.url, { waitUntil: "load", timeout: 120_000 });
        if (order.shot) await page.screenshot({ path: `${order.shot}-${scheme}-${width}.png`, clip: { x: 0, y: 0, width: pixels, height: order.height || 900 } });
        for (const text of await page.evaluate(look, SMALLEST_TEXT)) say(text);
        await page.evaluate(() => document.querySelectorAll("details").forEach((each) => { each.open = true; }));
        for (const text of await page.evaluate(look, SMALLEST_TEXT)) say(`opened: ${text}`);
        await page.evaluate(axe);
        const found = await page.evaluate(() => axe.run(document, { resultTypes: ["violations"], elementRef: false }));
        for (const each of found.violations) {
          say(`axe: ${each.id}: ${each.help} (${each.nodes.length}): ${each.nodes[0].html.slice(0, 200)} ${each.nodes[0].failureSummary}`);
        }
        await page.evaluate(() => document.querySelectorAll("details").forEach((each) => { each.open = false; }));
        const missing = await page.evaluate((ids) => {
          const text = document.body.textContent;
          return ids.filter((id) => !text.includes(id));
        }, order.hosts || []);
        if (missing.length) say(`${missing.length} hosts are not on it, such as ${missing[0]}`);
        if (order.find) {
          await page.type("#find", order.find);
          const rows = await page.$$eval("#rows tr:not([hidden])", (all) => all.map((each) => each.textContent));
          if (rows.length !== 1 || !rows[0].includes(order.find)) say(`${rows.length} rows for ${order.find}`);
        }
        if (scheme === "light") {
          const whole = await walk(page, order.stops || 600);
          for (const text of await page.evaluate(unreached, whole)) say(text);
        }
        await page.close();
      }
    }
    console.log(`${order.name}: opened in light and dark, wide and narrow`);
  }
} finally {
  await browser.close();
}
for (const text of problems) console.log(text);
process.exitCode = problems.length ? 1 : 0;
