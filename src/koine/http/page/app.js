"use strict";
// Every value from a document or an answer becomes a text node: nothing is read as HTML.

const main = document.getElementById("main");
const filter = document.getElementById("filter");
const credentials = {}; // by dialect and scheme, for as long as the page is open

start().catch((error) => show(main, el("p", { class: "bad" }, String(error))));

async function start() {
  const { documents } = await getJson("/openapi.json");
  const nav = document.getElementById("documents");
  for (const item of documents) nav.append(el("a", { href: "#" + item.name }, item.title));
  const open = () => openDocument(documents, nav);
  addEventListener("hashchange", open);
  filter.addEventListener("input", applyFilter);
  await open();
}

async function openDocument(documents, nav) {
  const name = location.hash.slice(1);
  const at = Math.max(0, documents.findIndex((item) => item.name === name));
  [...nav.children].forEach((link, i) => {
    if (i === at) link.setAttribute("aria-current", "page");
    else link.removeAttribute("aria-current");
  });
  if (!documents.length) return show(main, el("p", {}, "No dialect is switched on."));
  const doc = await getJson(documents[at].url);
  show(main, ...render(doc, documents[at]));
  applyFilter();
}

function render(doc, item) {
  const parts = [
    el("h2", {}, doc.info.title),
    el("p", {}, doc.info.description || ""),
    el("p", {}, el("a", { href: item.url }, item.url)),
    credentialFields(doc, item.name),
  ];
  for (const [tag, calls] of byTag(doc)) {
    parts.push(el("section", {}, el("h3", {}, tag), ...calls.map((c) => row(doc, item.name, c))));
  }
  return parts;
}

function byTag(doc) {
  const tags = new Map();
  for (const [path, methods] of Object.entries(doc.paths)) {
    for (const [method, operation] of Object.entries(methods)) {
      const tag = (operation.tags || ["calls"])[0];
      if (!tags.has(tag)) tags.set(tag, []);
      tags.get(tag).push({ path, method, operation });
    }
  }
  return tags;
}

function credentialFields(doc, name) {
  const schemes = Object.entries(doc.components.securitySchemes || {});
  credentials[name] = credentials[name] || {};
  return el("div", {}, ...schemes.map(([key, scheme]) => {
    const input = el("input", { type: "password", autocomplete: "off" });
    input.value = credentials[name][key] || "";
    input.addEventListener("input", () => { credentials[name][key] = input.value.trim(); });
    const where = scheme.type === "http" ? "Authorization: Bearer" : `${scheme.in}: ${scheme.name}`;
    return el("label", {}, el("span", {}, key + " ", el("small", {}, where)), input);
  }));
}

function row(doc, name, call) {
  const { path, method, operation } = call;
  const head = el("summary", {},
    el("span", { class: "method " + method }, method.toUpperCase()),
    el("span", { class: "path" }, path),
    el("span", { class: "text" }, operation.summary || ""));
  const box = el("details", { "data-text": `${method} ${path} ${operation.summary}`.toLowerCase() },
    head);
  box.addEventListener("toggle", () => {
    if (box.open && box.children.length === 1) box.append(form(doc, name, call));
  });
  return box;
}

function form(doc, name, { path, method, operation }) {
  const fields = (operation.parameters || []).map((parameter) => ({
    parameter, input: parameterInput(parameter, doc),
  }));
  const media = bodyMedia(operation);
  const body = media && el("textarea", { spellcheck: "false", "aria-label": "Body" });
  if (body) body.value = JSON.stringify(example(media.schema, doc, 0), null, 2);
  const out = el("div", { "aria-live": "polite" });
  const button = el("button", { type: "button" }, "Send");
  button.addEventListener("click", () => {
    const request = makeRequest(doc, name, path, method, operation, fields, body);
    send(request, out);
  });
  return el("div", { class: "call" },
    operation.description ? el("p", {}, operation.description) : "",
    ...fields.map(({ parameter, input }) => el("label", {},
      el("span", {}, parameter.name + (parameter.required ? " * " : " "),
        el("small", {}, describe(parameter))), input)),
    body ? el("p", {}, bodyHint(media.schema, doc)) : "", body || "", button, out,
    el("p", {}, "Answers: " + Object.entries(operation.responses)
      .map(([status, answer]) => `${status} ${answer.description}`).join(", ")));
}

function parameterInput(parameter, doc) {
  const schema = resolve(parameter.schema, doc);
  if (!schema.enum) return el("input", { autocomplete: "off" });
  return el("select", {}, el("option", { value: "" }, "–"),
    ...schema.enum.map((value) => el("option", {}, String(value))));
}

function describe(parameter) {
  const schema = parameter.schema;
  const kind = schema.format || schema.type || "";
  const limits = [schema.minimum, schema.maximum].some((n) => n !== undefined)
    ? ` ${schema.minimum ?? ""}…${schema.maximum ?? ""}` : "";
  const preset = schema.default === undefined ? "" : `, default ${schema.default}`;
  return `${parameter.in}, ${kind}${limits}${preset}`;
}

function bodyMedia(operation) {
  return operation.requestBody && operation.requestBody.content["application/json"];
}

function bodyHint(schema, doc) {
  const { properties = {}, required = [] } = resolve(schema, doc);
  const optional = Object.keys(properties).filter((key) => !required.includes(key));
  return optional.length ? `Body; it may also have ${optional.join(", ")}` : "Body";
}

function makeRequest(doc, name, path, method, operation, fields, body) {
  const query = new URLSearchParams();
  for (const { parameter, input } of fields) {
    if (parameter.in === "path") {
      path = path.replace(`{${parameter.name}}`, () => encodeURIComponent(input.value));
    } else if (input.value !== "") query.append(parameter.name, input.value);
  }
  const headers = {};
  const wanted = (operation.security || []).flatMap((option) => Object.keys(option));
  for (const key of wanted) {
    const value = credentials[name][key];
    const scheme = doc.components.securitySchemes[key];
    if (!value) continue;
    if (scheme.type === "http") headers.Authorization = "Bearer " + value;
    else if (scheme.in === "header") headers[scheme.name] = value;
    else if (scheme.in === "query") query.append(scheme.name, value);
  }
  const text = body ? body.value.trim() : "";
  if (text) headers["Content-Type"] = "application/json";
  const search = query.toString();
  const url = path + (search ? "?" + search : "");
  return { url, method: method.toUpperCase(), headers, body: text || undefined };
}

async function send(request, out) {
  const curl = el("pre", {}, asCurl(request));
  show(out, curl, el("p", {}, "…"));
  const began = performance.now();
  try {
    const answer = await fetch(request.url, { ...request, credentials: "omit" });
    const text = await answer.text();
    const line = `${answer.status} ${answer.statusText} · ${Math.round(performance.now() - began)} ms`;
    const id = answer.headers.get("x-request-id");
    show(out, curl, el("p", { class: answer.ok ? "good" : "bad" }, line + (id ? ` · ${id}` : "")),
      el("pre", {}, pretty(text)));
  } catch (error) {
    show(out, curl, el("p", { class: "bad" }, String(error)));
  }
}

function asCurl({ url, method, headers, body }) {
  const lines = [`curl -X ${method} ${quote(location.origin + url)}`];
  for (const [key, value] of Object.entries(headers)) lines.push(`  -H ${quote(`${key}: ${value}`)}`);
  if (body) lines.push(`  --data ${quote(body)}`);
  return lines.join(" \\\n");
}

function quote(text) {
  return "'" + text.replaceAll("'", "'\\''") + "'";
}

function pretty(text) {
  try {
    return JSON.stringify(JSON.parse(text), null, 2);
  } catch {
    return text || "(empty)";
  }
}

function example(schema, doc, depth) {
  schema = resolve(schema, doc);
  if (schema.default !== undefined) return schema.default;
  if (schema.enum) return schema.enum[0];
  if (schema.const !== undefined) return schema.const;
  if (schema.anyOf) return example(schema.anyOf[0], doc, depth);
  if (schema.type === "array") return [];
  if (schema.type === "integer" || schema.type === "number") return schema.minimum || 0;
  if (schema.type === "boolean") return false;
  if (schema.type !== "object") return "";
  const found = {};
  if (depth > 4) return found;
  for (const [key, value] of Object.entries(schema.properties || {})) {
    if ((schema.required || []).includes(key)) found[key] = example(value, doc, depth + 1);
  }
  return found;
}

function resolve(schema, doc) {
  const prefix = "#/components/schemas/";
  while (schema.$ref) schema = doc.components.schemas[schema.$ref.slice(prefix.length)];
  return schema;
}

function applyFilter() {
  const text = filter.value.trim().toLowerCase();
  for (const box of main.querySelectorAll("details")) {
    box.hidden = !box.dataset.text.includes(text);
  }
}

async function getJson(url) {
  const answer = await fetch(url, { credentials: "omit" });
  if (!answer.ok) throw new Error(`${url}: ${answer.status}`);
  return answer.json();
}

function el(name, attributes, ...children) {
  const node = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) node.setAttribute(key, value);
  node.append(...children);
  return node;
}

function show(node, ...children) {
  node.replaceChildren(...children);
}
