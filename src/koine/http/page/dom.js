// Small tools for nodes. Every value becomes a text node: nothing is read as HTML.

export function el(name, attributes = {}, ...children) {
  const node = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) {
    if (typeof value === "function") node.addEventListener(key, value);
    else if (value !== false) node.setAttribute(key, value === true ? "" : value);
  }
  node.append(...children);
  return node;
}

export function show(node, ...children) {
  node.replaceChildren(...children);
}

// `code` in a sentence becomes a code element; the rest stays text.
export function prose(text) {
  return text.split("`").map((part, i) => (i % 2 ? el("code", {}, part) : part));
}

export function block(label, shown, copied = shown) {
  const text = el("pre", { tabindex: "0", role: "group", "aria-label": label }, shown);
  return el("div", { class: "block" },
    el("div", { class: "bar" }, el("span", {}, label), copyButton(label, copied)), text);
}

function copyButton(label, text) {
  const button = el("button", { type: "button", class: "quiet", "aria-label": `Copy ${label}` }, "Copy");
  button.addEventListener("click", async () => {
    try {
      await navigator.clipboard.writeText(text);
      button.textContent = "Copied";
    } catch {
      button.textContent = "Not allowed here";
    }
    setTimeout(() => { button.textContent = "Copy"; }, 1500);
  });
  return button;
}
