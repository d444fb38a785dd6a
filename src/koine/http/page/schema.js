// JSON Schemas as text, and examples generated from them.

const FAR = 2 ** 53 - 1; // the bound every integer has: not shown
// What an example says in a field of this name.
const SAMPLES = {
  title: "A first conversation", subject: "A first conversation", name: "Ada Example",
  content: "Hello!", text: "Hello!", reason: "Made while trying the API", typing_status: "on",
  external_reference_id: "ORD-1001", email: "you@example.com",
};
const OPENERS = new Set(["title", "subject", "name", "content", "text", "reason", "typing_status",
  "external_reference_id", "participants"]);

export function resolve(schema, doc) {
  const prefix = "#/components/schemas/";
  while (schema.$ref) schema = doc.components.schemas[schema.$ref.slice(prefix.length)];
  return schema;
}

export function kind(schema, doc) {
  if (schema.$ref) return schema.$ref.split("/").pop();
  if (schema.anyOf) return schema.anyOf.map((option) => kind(option, doc)).join(" or ");
  if (schema.enum) return schema.enum.map((value) => JSON.stringify(value)).join(" or ");
  if (schema.type === "array") return `list of ${kind(schema.items || {}, doc)}`;
  return (schema.format || schema.type || "any JSON") + bounds(schema);
}

function bounds({ minimum = -FAR, maximum = FAR, minLength = 0, maxLength }) {
  if (maxLength !== undefined) {
    return minLength ? `, ${minLength}–${maxLength} characters` : `, up to ${maxLength} characters`;
  }
  if (minimum > -FAR && maximum < FAR) return `, ${minimum}–${maximum}`;
  if (minimum > -FAR) return `, from ${minimum}`;
  return maximum < FAR ? `, up to ${maximum}` : "";
}

// One way to spell an id's name: conversation_id, conversationId and conversation_ids are one.
export function idName(name) {
  return name.toLowerCase().replace(/[^a-z]/g, "").replace(/ids$/, "id");
}

// A participant may be a user: its id is used where there is no better one.
const PEOPLE = new Set(["identityid", "participants"]);

export function idByName(ids, name) {
  const id = idName(name);
  return ids[id] ?? (PEOPLE.has(id) ? ids.userid : undefined);
}

// An example of a request: the required fields, else those of OPENERS. `ids` has ids by name.
export function request(schema, doc, ids) {
  return make(schema, doc, { ids, whole: false }, "", 0);
}

// What a response looks like: every field, with its kind as the value.
export function shape(schema, doc) {
  return make(schema, doc, { ids: {}, whole: true }, "", 0);
}

function make(schema, doc, way, name, depth) {
  schema = resolve(schema, doc);
  if (schema.anyOf) schema = resolve(schema.anyOf.find((s) => s.type !== "null") || {}, doc);
  if (schema.type === "array") return list(schema, doc, way, name, depth);
  if (schema.type === "object") return object(schema, doc, way, depth);
  if (way.whole) return kind(schema, doc);
  const id = idByName(way.ids, name);
  if (id !== undefined) return id;
  if (schema.enum) return schema.enum[0];
  if (schema.default !== undefined && schema.default !== null) return schema.default;
  if (schema.type === "boolean") return false;
  if (schema.type === "integer" || schema.type === "number") return Math.max(schema.minimum || 0, 0);
  return schema.format === "uuid" ? "" : SAMPLES[name] || "";
}

function list(schema, doc, way, name, depth) {
  const wanted = way.whole ? depth < 6 : schema.minItems > 0 || name === "participants";
  return wanted ? [make(schema.items || {}, doc, way, name, depth + 1)] : [];
}

function object(schema, doc, way, depth) {
  const { properties = {}, required = [] } = schema;
  const opening = !required.length;
  const found = {};
  if (depth > 6) return found;
  for (const [key, value] of Object.entries(properties)) {
    const wanted = way.whole || required.includes(key) || (opening && OPENERS.has(key));
    if (wanted) found[key] = make(value, doc, way, key, depth + 1);
  }
  return found;
}
