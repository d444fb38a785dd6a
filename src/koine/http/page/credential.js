// The credential of a dialect: given once, checked, and used by all its calls.
import { el, prose, show } from "./dom.js";
import { forget, keep, learn, memory, placeOf, recall } from "./memory.js";
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
    keep(page.name);
    page.refresh("");
  });
  panel.addEventListener("submit", async (event) => {
    event.preventDefault();
    for (const field of fields) field.save();
    show(out, "Checking…");
    show(out, ...await check(page, calls));
    keep(page.name);
    page.refresh("");
  });
  function clear() {
    forget(page.name);
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
  const load = () => { input.value = memory(name).secrets[key] || ""; };
  const save = () => { memory(name).secrets[key] = input.value.trim(); };
  input.addEventListener("input", save);
  load();
  return { load, save, label: el("label", {}, el("span", {}, key, el("small", {}, where)), input) };
}

// Without security schemes the path has the credential: ask once for what most paths begin with.
function sharedParameters(calls) {
  const counts = new Map();
  for (const { path, operation } of calls) {
    for (const parameter of operation.parameters.filter((p) => p.in === "path")) {
      const place = placeOf(path, parameter.name);
      counts.set(place, { place, path, parameter, n: (counts.get(place) || { n: 0 }).n + 1 });
    }
  }
  return [...counts.values()].filter(({ n }) => n > calls.length / 2);
}

function sharedField({ name }, { place, path, parameter }) {
  const input = el("input", { autocomplete: "off", spellcheck: "false" });
  const load = () => { input.value = recall(name, path, parameter) ?? ""; };
  const save = () => {
    const { known } = memory(name);
    if (input.value.trim()) known[place] = input.value.trim();
    else delete known[place];
  };
  input.addEventListener("input", save);
  load();
  const note = el("small", {}, "in the path");
  return { load, save, label: el("label", {}, el("span", {}, parameter.name, note), input) };
}

// Read the lists there are: the first says whether the credential is good, all fill in forms.
async function check(page, calls) {
  const { known, secrets } = memory(page.name);
  const before = new Set(Object.keys(known));
  for (const secret of Object.values(secrets)) known.userid = subjectOf(secret) ?? known.userid;
  let first = null;
  for (const call of calls.filter(readable)) {
    const values = call.operation.parameters.map((p) => [p, recall(page.name, call.path, p) ?? ""]);
    if (values.some(([parameter, text]) => parameter.required && text === "")) continue;
    const answer = await send(makeRequest(page.doc, call, values, null, secrets));
    first = first || answer;
    if (answer.status === 401) break;
    if (answer.ok) learn(page.name, page.doc, call, answer.data);
  }
  return resultMessage(first, Object.keys(known).filter((key) => !before.has(key)).length);
}

// Whom a token is for: the caller is a good example of a user.
function subjectOf(token) {
  try {
    return JSON.parse(atob(token.split(".")[1].replace(/-/g, "+").replace(/_/g, "/"))).sub;
  } catch {
    return undefined; // an API key says nothing
  }
}

function readable({ path, method, operation }) {
  return method === "get" && (operation.security.length ? !path.includes("{") : path.includes("{"));
}

function resultMessage(first, learned) {
  if (!first) return [el("span", { class: "bad" }, "Fill in a value first.")];
  if (!first.ok) return [el("span", { class: "bad" }, `Refused: ${first.line}. `), first.text];
  const filled = learned ? ` ${learned} ids of this server are ready in the forms below.` : "";
  return [el("span", { class: "good" }, `Accepted: ${first.line}.`), filled];
}
