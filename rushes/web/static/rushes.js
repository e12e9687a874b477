// What pages can do beyond HTML: copy buttons, a remembered language of samples, and search while typing.
// Every page says and does the same without it.

const LANGUAGE = "rushes.language";

function copyButton(source, label) {
  const button = document.createElement("button");
  button.type = "button";
  button.className = "copy";
  button.textContent = "Copy";
  button.setAttribute("aria-label", `Copy ${label}`);
  button.addEventListener("click", async () => {
    button.textContent = (await copied(source)) ? "Copied" : "Press Ctrl+C";
    setTimeout(() => { button.textContent = "Copy"; }, 1600);
  });
  return button;
}

async function copied(source) {
  try {
    await navigator.clipboard.writeText(source.textContent);
    return true;
  } catch {
    // Plain http on another machine has no clipboard: leave the text selected instead.
    const range = document.createRange();
    range.selectNodeContents(source);
    getSelection().removeAllRanges();
    getSelection().addRange(range);
    return document.execCommand("copy");
  }
}

for (const figure of document.querySelectorAll("figure.code")) {
  const caption = figure.querySelector("figcaption");
  caption.append(copyButton(figure.querySelector("code"), caption.textContent.trim()));
}
for (const id of document.querySelectorAll("code[data-copy]")) id.after(copyButton(id, "the endpoint's id"));

function remembered() {
  try { return localStorage.getItem(LANGUAGE); } catch { return null; }
}

for (const choice of document.querySelectorAll("input[name=language]")) {
  if (choice.value === remembered()) choice.checked = true;
  choice.addEventListener("change", () => {
    try { localStorage.setItem(LANGUAGE, choice.value); } catch { /* private windows keep nothing */ }
  });
}

const form = document.querySelector("form[data-live]");

function search() {
  const words = form.elements.q.value.toLowerCase().split(/\s+/).filter(Boolean);
  const category = form.elements.category.value;
  let found = 0;
  for (const card of document.querySelectorAll("[data-cards] > li")) {
    const fits = (!category || card.dataset.category === category) && words.every((word) => card.dataset.text.includes(word));
    card.hidden = !fits;
    found += fits;
  }
  document.querySelector("[data-count]").textContent = found;
  document.querySelector("[data-none]").hidden = found > 0;
  const query = new URLSearchParams([...new FormData(form)].filter(([, value]) => value));
  history.replaceState(null, "", query.size ? `?${query}` : location.pathname);
}

if (form) {
  form.addEventListener("input", search);
  form.addEventListener("submit", (event) => { event.preventDefault(); search(); });
  form.querySelector("button[type=submit]").hidden = true;
}
