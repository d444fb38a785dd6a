// What the page stores of each dialect: the credential, and ids from responses to fill forms with.
// It is in sessionStorage, which each tab has for itself and loses when it is closed.
import { idName, idByName } from "./schema.js";

const PREFIX = "koine.docs.";
const cache = {};

export function read(name) {
  if (!cache[name]) cache[name] = { secrets: {}, ids: {}, ...load(name) };
  return cache[name];
}

export function save(name) {
  try {
    sessionStorage.setItem(PREFIX + name, JSON.stringify(cache[name]));
  } catch {
    // Storage is disabled: `cache` has the data until the page is closed.
  }
}

export function clear(name) {
  cache[name] = { secrets: {}, ids: {} };
  save(name);
}

function load(name) {
  try {
    return JSON.parse(sessionStorage.getItem(PREFIX + name)) || {};
  } catch {
    return {};
  }
}

// The key of a path parameter is the path up to it: `/v1/users/{id}` and `/v1/inboxes/{id}` differ.
export function parameterKey(path, parameter) {
  const mark = `{${parameter}}`;
  return path.slice(0, path.indexOf(mark) + mark.length);
}

export function storedId(name, path, parameter) {
  const { ids } = read(name);
  const byName = idByName(ids, parameter.name);
  if (parameter.in !== "path") return parameter.required ? byName : undefined;
  return ids[parameterKey(path, parameter.name)] ?? byName;
}

// Store the ids of a response: those of a created object replace stored ones, others fill gaps.
export function rememberIds(name, doc, { path, method }, response) {
  const { ids } = read(name);
  if (response && response.refresh_token) ids[idName("refresh_token")] = response.refresh_token;
  const item = firstItem(response, 0);
  if (!item) return;
  const id = item.source_id ?? idOf(item);
  const created = method === "post";
  for (const key of id === undefined ? [] : keysOf(doc, path)) {
    if (created || ids[key] === undefined) ids[key] = id;
  }
  rememberNested(item, ids, 0);
}

// Remove the id of a deleted object, under each of its keys.
export function removeIds(name, { path }) {
  const { ids } = read(name);
  const deleted = ids[path];
  for (const key of Object.keys(ids)) if (ids[key] === deleted) delete ids[key];
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

function rememberNested(item, ids, depth) {
  for (const [key, value] of Object.entries(item)) {
    if (value === null || value === "" || depth > 3) continue;
    const inner = Array.isArray(value) ? value[0] : value;
    if (inner && typeof inner === "object") {
      const name = idName(key).endsWith("id") ? key : singular(key) + "id";
      if (idOf(inner) !== undefined) ids[idName(name)] ??= idOf(inner);
      rememberNested(inner, ids, depth + 1);
    } else if (/(\w_id|Id)$/.test(key)) ids[idName(key)] ??= value;
  }
}
