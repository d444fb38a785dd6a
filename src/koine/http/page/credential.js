// The credential of a dialect: given once, checked, and used by all its calls.
import { el, prose, show } from "./dom.js";
import * as storage from "./storage.js";
import { makeRequest, send } from "./request.js";

export function credentialPanel(page, calls) {
  const schemes = Object.entries(page.doc.components.securitySchemes || {});
  const fields = schemes.length ? schemes.map((entry) => secretField(page, entry))
    : sharedParameters(calls).map((shared) => sharedField(page, shared));
  const out = el("p", { role: "status", class: "hint" });
  const panel = el("form", { class: "credential", autocomplete: "off" },
    el("h3", {}, schemes.length ? "Credential" : "Who calls"),
    el("p", { class: "dim" }, ...prose((schemes.length > 1 ? "One of them is enough. " : "")
      + "Kept in this tab alone. `koine demo` prints those of a demo server.")),
    ...fields.map((field) => field.label),
    el("div", { class: "buttons" }, el("button", {}, "Use and check"),
      el("button", { type: "button", class: "quiet", click: clear }, "Forget")), out);
  panel.addEventListener("change", () => {
    storage.save(page.name);
    page.refresh("");
  });
  panel.addEventListener("submit", async (event) => {
    event.preventDefault();
    for (const field of fields) field.save();
    show(out, "Checking…");
    show(out, ...await check(page, calls));
    storage.save(page.name);
    page.refresh("");
  });
  function clear() {
    storage.clear(page.name);
    page.reload();
  }
  page.refills.push((note) => {
    for (const field of fields) field.load();
    if (note) show(out, el("span", { class: "good" }, note));
  });
  return panel;
}

function secretField({ name }, [key, scheme]) {
  const input = el("input", { type: "password", autocomplete: "off", spellcheck: "false" });
  const where = scheme.type === "http" ? "Authorization: Bearer …" : `${scheme.in} ${scheme.name}`;
  const load = () => { input.value = storage.read(name).secrets[key] || ""; };
  const save = () => { storage.read(name).secrets[key] = input.value.trim(); };
  input.addEventListener("input", save);
  load();
  return { load, save, label: el("label", {}, el("span", {}, key, el("small", {}, where)), input) };
}

// Without security schemes the path has the credential: ask once for what most paths begin with.
function sharedParameters(calls) {
  const counts = new Map();
  for (const { path, operation } of calls) {
    for (const parameter of operation.parameters.filter((p) => p.in === "path")) {
      const key = storage.parameterKey(path, parameter.name);
      counts.set(key, { key, path, parameter, n: (counts.get(key) || { n: 0 }).n + 1 });
    }
  }
  return [...counts.values()].filter(({ n }) => n > calls.length / 2);
}

function sharedField({ name }, { key, path, parameter }) {
  const input = el("input", { autocomplete: "off", spellcheck: "false" });
  const load = () => { input.value = storage.storedId(name, path, parameter) ?? ""; };
  const save = () => {
    const { ids } = storage.read(name);
    if (input.value.trim()) ids[key] = input.value.trim();
    else delete ids[key];
  };
  input.addEventListener("input", save);
  load();
  const note = el("small", {}, "in the path");
  return { load, save, label: el("label", {}, el("span", {}, parameter.name, note), input) };
}

// Send the GETs of lists: the first status shows whether the credential is valid, and the ids in all
// responses fill in the forms.
async function check(page, calls) {
  const { ids, secrets } = storage.read(page.name);
  const before = new Set(Object.keys(ids));
  for (const secret of Object.values(secrets)) ids.userid = subjectOf(secret) ?? ids.userid;
  let first = null;
  for (const call of calls.filter(readable)) {
    const values = call.operation.parameters.map((parameter) =>
      [parameter, storage.storedId(page.name, call.path, parameter) ?? ""]);
    if (values.some(([parameter, text]) => parameter.required && text === "")) continue;
    const response = await send(makeRequest(page.doc, call, values, null, secrets));
    first = first || response;
    if (response.status === 401) break;
    if (response.ok) storage.rememberIds(page.name, page.doc, call, response.data);
  }
  return resultMessage(first, Object.keys(ids).filter((key) => !before.has(key)).length);
}

// The subject of a token: the caller is a good example of a user.
function subjectOf(token) {
  try {
    return JSON.parse(atob(token.split(".")[1].replace(/-/g, "+").replace(/_/g, "/"))).sub;
  } catch {
    return undefined; // an API key has no claims
  }
}

function readable({ path, method, operation }) {
  const isStream = "text/event-stream" in ((operation.responses[200] || {}).content || {});
  return method === "get" && !isStream && (operation.security.length ? !path.includes("{") : path.includes("{"));
}

function resultMessage(first, added) {
  if (!first) return [el("span", { class: "bad" }, "Fill in a value first.")];
  if (!first.ok) return [el("span", { class: "bad" }, `Refused: ${first.line}. `), first.text];
  const filled = added ? ` ${added} ids of this server are ready in the forms below.` : "";
  return [el("span", { class: "good" }, `Accepted: ${first.line}.`), filled];
}
