// The page /docs: pick a dialect, find a call, try it. Addresses are #/dialect/call.
import { row } from "./call.js";
import { credentialPanel } from "./credential.js";
import { el, prose, show } from "./dom.js";
import { serverOf } from "./request.js";

const main = document.getElementById("main");
const filter = document.getElementById("filter");
const nav = document.getElementById("documents");
let page = null; // the open dialect: {name, doc, refills, refresh, reload}

start().catch(fail);

async function start() {
  const { documents } = await getJson("/openapi.json");
  if (!documents.length) return show(main, el("p", {}, "No dialect is switched on."));
  nav.append(...documents.map((item) => el("a", { href: "#/" + item.name }, item.title)));
  addEventListener("hashchange", () => go(documents).catch(fail));
  filter.addEventListener("input", applyFilter);
  addEventListener("keydown", focusFilter);
  await go(documents);
}

async function go(documents) {
  const [name, call] = location.hash.replace(/^#\/?/, "").split("/");
  const item = documents.find((one) => one.name === name) || documents[0];
  if (!page || page.name !== item.name) await open(item);
  const box = call && document.getElementById(call);
  if (!box) return;
  if (box.hidden) filter.value = "";
  applyFilter();
  box.open = true;
  box.scrollIntoView({ block: "start" });
  box.querySelector("summary").focus({ preventScroll: true });
}

async function open(item) {
  const doc = await getJson(item.url);
  const refills = [];
  page = {
    name: item.name, doc, refills,
    refresh: (note) => refills.forEach((refill) => refill(note)),
    reload: () => open(item).catch(fail),
  };
  for (const link of nav.children) {
    const current = link.hash === "#/" + item.name;
    if (current) link.setAttribute("aria-current", "page");
    else link.removeAttribute("aria-current");
  }
  document.title = `${doc.info.title} · Koine API`;
  show(main, ...render(item));
  applyFilter();
  scrollTo(0, 0);
}

function render(item) {
  const { doc } = page;
  const calls = Object.entries(doc.paths).flatMap(([path, methods]) =>
    Object.entries(methods).map(([method, operation]) => ({ path, method, operation })));
  return [
    el("div", { class: "intro" },
      el("div", {},
        el("h2", {}, doc.info.title, " ", el("small", {}, "version " + doc.info.version.replace(/^v/, ""))),
        el("p", {}, ...prose(doc.info.description || "")),
        el("p", { class: "dim" }, "Server ", el("code", {}, serverOf(doc)), " · ",
          el("a", { href: item.url }, "OpenAPI document")),
        serverOf(doc) === location.origin ? "" : el("p", { class: "dim" },
          "Calls made here go to ", el("code", {}, location.origin), ".")),
      credentialPanel(page, calls)),
    el("p", { id: "found", class: "dim", role: "status" }),
    ...[...byTag(calls)].map(([tag, some]) =>
      el("section", { "aria-label": tag }, el("h3", {}, tag.replaceAll("-", " ")),
        ...some.map((call) => row(page, call)))),
  ];
}

function byTag(calls) {
  const tags = new Map();
  for (const call of calls) {
    const tag = (call.operation.tags || ["calls"])[0];
    tags.set(tag, [...(tags.get(tag) || []), call]);
  }
  return tags;
}

function applyFilter() {
  const words = filter.value.toLowerCase().split(/\s+/);
  let shown = 0;
  for (const section of main.querySelectorAll("section")) {
    const rows = [...section.querySelectorAll("details.row")];
    for (const box of rows) box.hidden = !words.every((word) => box.dataset.text.includes(word));
    section.hidden = rows.every((box) => box.hidden);
    shown += rows.filter((box) => !box.hidden).length;
  }
  const found = document.getElementById("found");
  if (found) show(found, shown === 1 ? "1 call" : `${shown || "No"} calls`);
}

function focusFilter(event) {
  const writing = /^(INPUT|TEXTAREA|SELECT)$/.test(event.target.tagName);
  if (event.key !== "/" || writing || event.ctrlKey || event.metaKey || event.altKey) return;
  event.preventDefault();
  filter.focus();
}

async function getJson(url) {
  const response = await fetch(url, { credentials: "omit" });
  if (!response.ok) throw new Error(`${url} returned ${response.status}`);
  return response.json();
}

function fail(error) {
  show(main, el("p", { class: "bad", role: "alert" }, `This page could not be made: ${error.message}`));
}
