// One request: built from a form, shown as curl, sent.

export const JSON_BODY = "application/json";
export const MULTIPART = "multipart/form-data";

// `values`: pairs of parameter and text; `body`: {media, text} or {media, fields: [[name, value]]}.
export function makeRequest(doc, { path, method, operation }, values, body, secrets) {
  const query = new URLSearchParams();
  for (const [parameter, text] of values) {
    if (parameter.in === "path") {
      path = path.replace(`{${parameter.name}}`, () => encodeURIComponent(text));
    } else if (text !== "") append(query, parameter, text);
  }
  const headers = authorize(doc, operation, secrets, query);
  const sent = { method: method.toUpperCase(), headers, fields: null, body: undefined };
  if (body && body.fields) fillForm(sent, body);
  else if (body && body.text.trim()) {
    headers["Content-Type"] = body.media;
    sent.body = body.text;
  }
  const search = query.toString();
  return { ...sent, url: path + (search ? "?" + search : "") };
}

function append(query, { name, schema }, text) {
  const many = schema.type === "array" ? text.split(",").map((one) => one.trim()) : [text];
  for (const one of many) query.append(name, one);
}

function authorize(doc, operation, secrets, query) {
  const headers = {};
  for (const key of (operation.security || []).flatMap((option) => Object.keys(option))) {
    const scheme = doc.components.securitySchemes[key];
    const value = secrets[key];
    if (!value) continue;
    if (scheme.type === "http") headers.Authorization = "Bearer " + value;
    else if (scheme.in === "header") headers[scheme.name] = value;
    else if (scheme.in === "query") query.append(scheme.name, value);
  }
  return headers;
}

function fillForm(sent, { media, fields }) {
  sent.fields = fields;
  sent.body = media === MULTIPART ? new FormData() : new URLSearchParams();
  for (const [name, value] of fields) sent.body.append(name, value);
}

// The server URL of the document if it has one, else the origin of this page.
export function serverOf(doc) {
  const { url = "/" } = (doc.servers || [])[0] || {};
  return url.startsWith("http") ? url.replace(/\/$/, "") : location.origin;
}

export function asCurl(doc, { url, method, headers, fields, body }) {
  const lines = [`curl --request ${method} ${quote(serverOf(doc) + url)}`];
  for (const [key, value] of Object.entries(headers)) lines.push(`--header ${quote(`${key}: ${value}`)}`);
  for (const [name, value] of fields || []) lines.push(formLine(name, value, body));
  if (body && !fields) lines.push(`--data ${quote(body)}`);
  return lines.join(" \\\n  ");
}

function formLine(name, value, body) {
  if (body instanceof URLSearchParams) return `--data-urlencode ${quote(`${name}=${value}`)}`;
  if (value instanceof File) return `--form ${quote(`${name}=@${value.name}`)}`;
  return `--form-string ${quote(`${name}=${value}`)}`;
}

function quote(text) {
  return "'" + text.replaceAll("'", "'\\''") + "'";
}

// Give {status, ok, line, media, id, ms, text, data, blob}. Throws TypeError without a response.
// An event stream has no end: `streamMs` is how long one is read.
export async function send({ url, method, headers, body }, streamMs = 3000) {
  const began = performance.now();
  const response = await fetch(url, { method, headers, body, credentials: "omit", cache: "no-store" });
  const media = (response.headers.get("content-type") || "").split(";")[0];
  const readable = media === "" || media.startsWith("text/") || media.endsWith("json");
  const blob = await (media === "text/event-stream" ? beginning(response, streamMs) : response.blob());
  const text = readable ? await blob.text() : "";
  return {
    ok: response.ok, status: response.status, media, blob, text, data: parsed(text),
    line: `${response.status} ${response.statusText}`.trim(),
    ms: Math.round(performance.now() - began), id: response.headers.get("x-request-id"),
  };
}

async function beginning(response, ms) {
  const reader = response.body.getReader();
  const timer = setTimeout(() => reader.cancel(), ms);
  const chunks = [];
  for (let next = await reader.read(); !next.done; next = await reader.read()) chunks.push(next.value);
  clearTimeout(timer);
  return new Blob(chunks);
}

function parsed(text) {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
