// The body of a call: JSON text, or a form with files.
import { el, show } from "./dom.js";
import { JSON_BODY, MULTIPART } from "./request.js";
import { kind, request, resolve } from "./schema.js";

// Give {node, read(), refill()} or null; read() gives what makeRequest takes.
export function bodyEditor(doc, operation, ids) {
  const content = (operation.requestBody || {}).content;
  if (!content) return null;
  const place = el("div");
  const media = Object.keys(content);
  const picker = el("select", { "aria-label": "Body as" }, ...media.map((one) => el("option", {}, one)));
  let editor = null;
  const draw = () => {
    const { schema } = content[picker.value];
    editor = picker.value === JSON_BODY ? textEditor(schema, doc, ids)
      : formEditor(schema, doc, ids, picker.value);
    show(place, editor.node);
  };
  picker.addEventListener("change", draw);
  draw();
  const title = el("h4", {}, "Body ", media.length > 1 ? picker : el("small", {}, media[0]));
  return {
    node: el("div", {}, title, place),
    read: () => editor.read(), refill: () => editor.refill(),
  };
}

function textEditor(schema, doc, ids) {
  const make = () => JSON.stringify(request(schema, doc, ids), null, 2);
  const node = el("textarea", { spellcheck: "false", "aria-label": "Body as JSON" });
  let made = make();
  node.value = made;
  node.rows = Math.min(16, made.split("\n").length + 2);
  const refill = () => {
    if (node.value !== made) return; // somebody wrote here
    made = make();
    node.value = made;
  };
  const read = () => ({ media: JSON_BODY, text: node.value });
  return { node: el("div", {}, node, fieldTable(schema, doc)), refill, read };
}

function formEditor(schema, doc, ids, media) {
  const { properties = {} } = resolve(schema, doc);
  const example = request(schema, doc, ids);
  const inputs = Object.entries(properties).map(([name, property]) => {
    const binary = name.endsWith("[]");
    const input = el("input", binary ? { type: "file", multiple: true } : { autocomplete: "off" });
    const value = example[name];
    if (!binary && value !== undefined) {
      input.value = typeof value === "object" ? JSON.stringify(value) : value;
    }
    const note = binary ? "files" : kind(property, doc);
    return { name, input, label: el("label", {}, el("span", {}, name, el("small", {}, note)), input) };
  });
  const read = () => ({ media, fields: inputs.flatMap(({ name, input }) => pairs(name, input, media)) });
  return { node: el("div", {}, ...inputs.map((one) => one.label)), refill() {}, read };
}

function pairs(name, input, media) {
  if (input.type === "file") return media === MULTIPART ? [...input.files].map((f) => [name, f]) : [];
  return input.value === "" ? [] : flat(name, asObject(input.value));
}

function asObject(text) {
  try {
    const value = JSON.parse(text);
    return value && typeof value === "object" ? value : text;
  } catch {
    return text;
  }
}

// Objects travel as name[key]=value, lists as name[]=value.
function flat(name, value) {
  if (Array.isArray(value)) return value.flatMap((one) => flat(`${name}[]`, one));
  if (value === null || typeof value !== "object") return [[name, String(value ?? "")]];
  return Object.entries(value).flatMap(([key, inner]) => flat(`${name}[${key}]`, inner));
}

function fieldTable(schema, doc) {
  const { properties = {}, required = [] } = resolve(schema, doc);
  const rows = Object.entries(properties).map(([name, property]) => el("tr", {},
    el("th", { scope: "row" }, name, required.includes(name) ? el("b", {}, " required") : ""),
    el("td", {}, kind(property, doc))));
  if (!rows.length) return "";
  return el("details", { class: "plain" }, el("summary", {}, rows.length === 1 ? "Its field" : `All ${rows.length} fields`),
    el("table", {}, el("tbody", {}, ...rows)));
}
