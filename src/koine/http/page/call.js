// One call: its row, its form, the curl of it and the response of the server.
import { bodyEditor } from "./body.js";
import { block, el, prose, show } from "./dom.js";
import * as storage from "./storage.js";
import { asCurl, makeRequest, send } from "./request.js";
import { kind, resolve, shape } from "./schema.js";

const LONGEST = 200_000; // characters of a response shown
const CUT = 30; // a longer credential is shown by its ends

export function slugOf({ path, method }) {
  return (method + path).replace(/[^A-Za-z0-9]+/g, "-").replace(/-$/, "");
}

export function row(page, call) {
  const { path, method, operation } = call;
  const head = el("summary", {}, el("span", { class: "method " + method }, method),
    el("span", { class: "path" }, ...pathParts(path)),
    el("span", { class: "text" }, ...prose(operation.summary || "")));
  const box = el("details", { class: "row", id: slugOf(call) }, head);
  box.dataset.text = `${method} ${path} ${operation.summary}`.toLowerCase();
  box.addEventListener("toggle", () => {
    if (box.open && box.children.length === 1) box.append(form(page, call));
    if (box.open) history.replaceState(null, "", `#/${page.name}/${box.id}`);
  });
  return box;
}

// Breaks fall before a slash, so that names stay whole.
function pathParts(path) {
  return path.split(/(?=\/)|(?={)/).flatMap((part) =>
    (part.startsWith("{") ? [el("i", {}, part)] : [el("wbr"), part]));
}

function form(page, call) {
  const { doc, name } = page;
  const { operation } = call;
  const fields = (operation.parameters || []).map((parameter) => field(page, call, parameter));
  const body = bodyEditor(doc, operation, storage.read(name).ids);
  const curl = el("div");
  const out = el("div", { class: "response" });
  const read = () => makeRequest(doc, call, fields.map((f) => [f.parameter, f.input.value.trim()]),
    body && body.read(), storage.read(name).secrets);
  const redraw = () => show(curl, curlBlock(doc, read(), storage.read(name).secrets));
  const node = el("form", { class: "call", autocomplete: "off" },
    el("div", {}, ...about(page, call), ...fieldset(fields), body ? body.node : "",
      el("button", {}, "Send"), el("p", { class: "hint", role: "alert" })),
    el("div", {}, curl, el("div", { class: "sr", role: "status" }), out, ...responses(doc, operation)));
  node.addEventListener("input", redraw);
  node.addEventListener("change", redraw);
  node.addEventListener("keydown", (event) => {
    if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) node.requestSubmit();
  });
  node.addEventListener("submit", (event) => {
    event.preventDefault();
    if (complete(page, call, node, fields)) run(page, call, { node, fields, out, request: read() });
  });
  page.refills.push(() => {
    for (const f of fields) f.input.value ||= storage.storedId(name, call.path, f.parameter) ?? "";
    if (body) body.refill();
    redraw();
  });
  redraw();
  return node;
}

function about({ name }, call) {
  const { description, security = [] } = call.operation;
  const link = el("a", { href: `#/${name}/${slugOf(call)}` }, "Link to this call");
  return [
    description ? el("p", {}, ...prose(description.replace(/\n(?=\S)/g, " "))) : "",
    el("p", { class: "dim" }, security.length ? "Needs a credential. " : "Public. ", link),
  ];
}

function fieldset(fields) {
  if (!fields.length) return [];
  return [el("h4", {}, "Parameters"), ...fields.map((f) => f.label)];
}

function field({ doc, name }, call, parameter) {
  const schema = resolve(parameter.schema, doc);
  const note = [parameter.in, schema.enum ? "" : kind(schema, doc)].filter(Boolean).join(", ");
  const preset = schema.default;
  const input = schema.enum
    ? el("select", {}, el("option", { value: "" }, "any"),
      ...schema.enum.map((value) => el("option", {}, String(value))))
    : el("input", { autocomplete: "off", spellcheck: "false", "aria-required": `${parameter.required}`,
      placeholder: preset === undefined || preset === null ? "" : String(preset) });
  input.value = storage.storedId(name, call.path, parameter) ?? "";
  const star = parameter.required ? el("b", {}, " required") : "";
  const label = el("label", {}, el("span", {}, parameter.name, star, el("small", {}, note)), input);
  return { parameter, input, label };
}

function complete({ doc }, { path }, node, fields) {
  const missing = fields.find((f) => f.parameter.required && !f.input.value.trim());
  for (const f of fields) f.input.removeAttribute("aria-invalid");
  show(node.querySelector(".hint"));
  if (!missing) return true;
  const { name } = missing.parameter;
  const list = storage.parameterKey(path, name).replace(/\/[^/]*$/, "");
  show(node.querySelector(".hint"), `${name} is required.`
    + ((doc.paths[list] || {}).get ? ` Send GET ${list} first: its response fills it in.` : ""));
  missing.input.setAttribute("aria-invalid", "true");
  missing.input.focus();
  return false;
}

async function run(page, call, { node, fields, out, request }) {
  const button = node.querySelector("button:not([type])");
  const status = node.querySelector("[role=status]");
  button.disabled = true;
  show(out, el("p", { class: "dim" }, "Waiting for the response…"));
  try {
    const response = await send(request);
    show(out, ...responseParts(response, call));
    show(status, `Response: ${response.line}`);
    if (response.ok) remember(page, call, fields, response);
  } catch (error) {
    show(out, el("p", { class: "bad" }, `No response from the server: ${error.message}`));
    show(status, "No response");
  }
  button.disabled = false;
}

function remember(page, call, fields, response) {
  const { ids, secrets } = storage.read(page.name);
  for (const { parameter, input } of fields) {
    if (parameter.in !== "path") continue;
    ids[storage.parameterKey(call.path, parameter.name)] = input.value.trim();
  }
  if (call.method === "delete") storage.removeIds(page.name, call);
  else storage.rememberIds(page.name, page.doc, call, response.data);
  const schemes = Object.entries(page.doc.components.securitySchemes || {});
  const bearer = schemes.find(([, scheme]) => scheme.type === "http");
  const token = (response.data || {}).access_token;
  if (bearer && token) secrets[bearer[0]] = token;
  storage.save(page.name);
  page.refresh(bearer && token ? "The login's access token is now the credential." : "");
}

function responseParts(response, call) {
  const facts = [`${response.ms} ms`, size(response.blob.size), response.id && `request ${response.id}`];
  const parts = [el("p", { class: "status" },
    el("strong", { class: response.ok ? "good" : "bad" }, response.line),
    el("span", {}, facts.filter(Boolean).join(" · ")))];
  if (response.status === 401 && call.operation.security.length) {
    parts.push(el("p", {}, "This call needs a credential: give one at the top of the page."));
  }
  const text = response.data === undefined ? response.text : JSON.stringify(response.data, null, 2);
  if (text) parts.push(block("Response", text.slice(0, LONGEST), text));
  if (text.length > LONGEST) parts.push(el("p", {}, "The rest is not shown; Copy takes all of it."));
  if (!text && response.blob.size) parts.push(saveLink(response));
  return parts;
}

function saveLink({ blob, media }) {
  const href = URL.createObjectURL(blob);
  return el("p", {}, el("a", { href, download: "response" }, `Save the response (${media})`));
}

function size(bytes) {
  return bytes < 1024 ? `${bytes} bytes` : `${(bytes / 1024).toFixed(1)} KiB`;
}

function curlBlock(doc, request, secrets) {
  const whole = asCurl(doc, request);
  const shown = Object.values(secrets).filter((secret) => secret.length > CUT)
    .reduce((text, secret) => text.replaceAll(secret, secret.slice(0, 12) + "…" + secret.slice(-6)),
      whole);
  return block("curl", shown, whole);
}

function responses(doc, operation) {
  const all = Object.entries(operation.responses);
  const good = all.filter(([status, response]) => status < "400" && response.content);
  const list = el("ul", { class: "codes", "aria-label": "Statuses" }, ...all.map(([status, response]) =>
    el("li", {}, el("b", {}, status), " " + response.description)));
  return [
    ...good.map(([status, response]) => el("details", { class: "plain" },
      el("summary", {}, `What a ${status} looks like`),
      el("div", {}, block(`Shape of ${status}`, shapeText(response, doc))))),
    el("details", { class: "plain" }, el("summary", {}, "Statuses it may return"), list),
  ];
}

function shapeText(response, doc) {
  const [media, { schema }] = Object.entries(response.content)[0];
  return media.endsWith("json") ? JSON.stringify(shape(schema, doc), null, 2) : media;
}
