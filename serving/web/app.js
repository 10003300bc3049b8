// Small comforts; every page works without them.
"use strict";

// Forms of filters are sent as soon as a choice changes.
for (const form of document.querySelectorAll("form[data-auto]")) {
  form.classList.add("auto");
  form.addEventListener("change", () => form.requestSubmit());
}

// The text of a point in a chart is written below it, also on a tap.
for (const figure of document.querySelectorAll("svg.fan, svg.map, svg.gantt")) {
  const tip = figure.parentElement.querySelector(".tip");
  const show = (event) => {
    const text = event.target.dataset && event.target.dataset.tip;
    if (text) tip.textContent = text;
  };
  figure.addEventListener("pointerover", show);
  figure.addEventListener("pointerdown", show);
}

// A click on a head sorts a table by that column: numbers by value, text by language; a second click turns it round.
for (const table of document.querySelectorAll("table[data-sort]")) {
  const heads = [...table.tHead.rows[0].cells];
  heads.forEach((head, column) => {
    if (!head.textContent.trim()) return;
    head.tabIndex = 0;
    const sort = () => {
      const down = head.getAttribute("aria-sort") === "ascending";
      for (const other of heads) other.removeAttribute("aria-sort");
      head.setAttribute("aria-sort", down ? "descending" : "ascending");
      const rows = [...table.tBodies[0].rows];
      const key = (row) => row.cells[column].dataset.v ?? row.cells[column].textContent.trim();
      const numeric = rows.every((row) => key(row) === "" || !Number.isNaN(Number(key(row))));
      rows.sort((a, b) => (numeric ? Number(key(a)) - Number(key(b)) : key(a).localeCompare(key(b), document.documentElement.lang)));
      if (down) rows.reverse();
      table.tBodies[0].append(...rows);
    };
    head.addEventListener("click", sort);
    head.addEventListener("keydown", (event) => { if (event.key === "Enter") sort(); });
  });
}

// A table of more than eight rows gets a field that leaves the rows holding what is typed.
for (const table of document.querySelectorAll("table[data-sort]")) {
  const rows = [...table.tBodies[0].rows];
  if (rows.length <= 8) continue;
  const tools = document.createElement("div"), field = document.createElement("input"), told = document.createElement("span");
  tools.className = "table-tools";
  field.type = "search";
  field.placeholder = document.body.dataset.filter;
  field.setAttribute("aria-label", document.body.dataset.filter);
  told.setAttribute("aria-live", "polite");
  field.addEventListener("input", () => {
    const wanted = field.value.trim().toLowerCase();
    let shown = 0;
    for (const row of rows) {
      row.hidden = wanted !== "" && !row.textContent.toLowerCase().includes(wanted);
      if (!row.hidden) shown += 1;
    }
    told.textContent = wanted ? document.body.dataset.shown.replace("##", rows.length).replace("#", shown) : "";
  });
  tools.append(field, told);
  (table.closest(".scroll") || table).before(tools);
}

// A menu closes on a tap elsewhere and on Escape.
document.addEventListener("click", (event) => {
  for (const menu of document.querySelectorAll("details.menu[open]")) if (!menu.contains(event.target)) menu.open = false;
});
document.addEventListener("keydown", (event) => {
  if (event.key === "Escape") for (const menu of document.querySelectorAll("details.menu[open]")) menu.open = false;
});

// CSV links ask the API for text/csv, page after page, and save it as one file.
async function wholeCsv(url) {
  let text = "";
  while (url) {
    const answer = await fetch(url, { headers: { Accept: "text/csv" } });
    if (!answer.ok) throw new Error((await answer.json()).detail);
    const part = new TextDecoder("utf-8", { ignoreBOM: true }).decode(await answer.arrayBuffer());
    text += text ? part.slice(part.indexOf("\n") + 1) : part;
    const next = /<([^>]+)>; rel="next"/.exec(answer.headers.get("Link") || "");
    url = next ? new URL(next[1]).pathname + new URL(next[1]).search : null;
  }
  return text;
}
for (const link of document.querySelectorAll("a[data-csv]")) {
  link.addEventListener("click", async (event) => {
    event.preventDefault();
    try {
      const saved = document.createElement("a");
      saved.href = URL.createObjectURL(new Blob([await wholeCsv(link.href)], { type: "text/csv" }));
      saved.download = link.dataset.csv;
      saved.click();
      URL.revokeObjectURL(saved.href);
    } catch (error) {
      link.after(` ${error.message}`);
    }
  });
}

// On a narrow screen the pages are a strip: the one that is open is brought into sight.
const here = document.querySelector("nav a.on");
if (here) here.parentElement.scrollLeft = here.offsetLeft - (here.parentElement.clientWidth - here.offsetWidth) / 2;
