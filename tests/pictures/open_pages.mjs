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

// Whatever opens or moves something takes the keyboard's focus; details are what hides facts.
const keyboard = async (page, stops) => {
  await page.keyboard.press("Home");
  const seen = new Set();
  for (let press = 0; press < stops; press += 1) {
    await page.keyboard.press("Tab");
    const name = await page.evaluate(() => {
      const active = document.activeElement;
      return active === document.body ? "" : `${active.tagName} ${active.id} ${active.textContent.trim().slice(0, 60)}`;
    });
    if (!name) break;
    seen.add(name);
  }
  return seen;
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
        if (scheme === "light" && width === "wide") {
          const stops = await keyboard(page, order.stops || 60);
          const summaries = [...stops].filter((name) => name.startsWith("SUMMARY"));
          if (order.kind !== "empty" && !summaries.length) say("no hidden fact is reached with the keyboard");
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
