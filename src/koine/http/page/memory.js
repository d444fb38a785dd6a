// What the page remembers of a dialect: its credential and ids seen in answers.
// It lives in sessionStorage: gone with the tab, never shared with another.
import { idName, knownId } from "./schema.js";

const PREFIX = "koine.docs.";
const cache = {};

export function memory(name) {
  if (!cache[name]) cache[name] = { secrets: {}, known: {}, ...stored(name) };
  return cache[name];
}

export function keep(name) {
  try {
    sessionStorage.setItem(PREFIX + name, JSON.stringify(cache[name]));
  } catch {
    // No storage here: the page's own memory does.
  }
}

export function forget(name) {
  cache[name] = { secrets: {}, known: {} };
  keep(name);
}

function stored(name) {
  try {
    return JSON.parse(sessionStorage.getItem(PREFIX + name)) || {};
  } catch {
    return {};
  }
}

// A path parameter is known by the path up to it: `/v1/users/{id}` and `/v1/inboxes/{id}` differ.
export function placeOf(path, parameter) {
  const mark = `{${parameter}}`;
  return path.slice(0, path.indexOf(mark) + mark.length);
}

export function recall(name, path, parameter) {
  const { known } = memory(name);
  const byName = knownId(known, parameter.name);
  if (parameter.in !== "path") return parameter.required ? byName : undefined;
  return known[placeOf(path, parameter.name)] ?? byName;
}

// Take the ids out of an answer: those of a new thing replace what was known, others fill gaps.
export function learn(name, doc, { path, method }, answer) {
  const { known } = memory(name);
  if (answer && answer.refresh_token) known[idName("refresh_token")] = answer.refresh_token;
  const item = firstItem(answer, 0);
  if (!item) return;
  const id = item.source_id ?? idOf(item);
  const made = method === "post";
  for (const key of id === undefined ? [] : keysOf(doc, path)) {
    if (made || known[key] === undefined) known[key] = id;
  }
  nested(item, known, 0);
}

// What was deleted is known no more, under any name.
export function unlearn(name, { path }) {
  const { known } = memory(name);
  const gone = known[path];
  for (const key of Object.keys(known)) if (known[key] === gone) delete known[key];
}

function keysOf(doc, path) {
  const next = Object.keys(doc.paths).find((other) => other.startsWith(path + "/{"));
  const keys = next ? [next.slice(0, next.indexOf("}", path.length) + 1)] : [];
  const collection = path.split("/").pop();
  if (/^[\w-]+s$/.test(collection)) keys.push(idName(singular(collection) + "id"));
  return keys;
}

function idOf(item) {
  return item.id ?? item._id;
}

function singular(word) {
  if (word.endsWith("ies")) return word.slice(0, -3) + "y";
  return word.replace(/(x)es$|s$/, "$1");
}

function firstItem(value, depth) {
  if (!value || typeof value !== "object" || depth > 4) return null;
  if (Array.isArray(value)) return firstItem(value[0], depth + 1);
  if (idOf(value) !== undefined || value.source_id !== undefined) return value;
  for (const inner of Object.values(value)) {
    const found = firstItem(inner, depth + 1);
    if (found) return found;
  }
  return null;
}

function nested(item, known, depth) {
  for (const [key, value] of Object.entries(item)) {
    if (value === null || value === "" || depth > 3) continue;
    const inner = Array.isArray(value) ? value[0] : value;
    if (inner && typeof inner === "object") {
      const name = idName(key).endsWith("id") ? key : singular(key) + "id";
      if (idOf(inner) !== undefined) known[idName(name)] ??= idOf(inner);
      nested(inner, known, depth + 1);
    } else if (/(\w_id|Id)$/.test(key)) known[idName(key)] ??= value;
  }
}
