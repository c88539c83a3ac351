"use strict";
// Opens, filters and cites the passages behind any figure.
// All data arrives as JSON and reaches the page through textContent: nothing of it is ever parsed as HTML.
(() => {
  const BATCH = 100;
  const data = JSON.parse(document.getElementById("report-data").textContent);
  const byId = (id) => document.getElementById(id);

  const make = (tag, className, text) => {
    const element = document.createElement(tag);
    if (className) element.className = className;
    if (text !== undefined) element.textContent = text;
    return element;
  };
  const plural = (n, noun) => `${n.toLocaleString("en")} ${noun}${n === 1 ? "" : "s"}`;

  // ---- Passages -----------------------------------------------------------------------------------------------

  const pane = byId("pane");
  const filters = { speaker: byId("by-speaker"), role: byId("by-role"), document: byId("by-document"), text: byId("by-text") };
  const every = {
    title: "All passages",
    summary: plural(data.total, "passage"),
    counted: data.total,
    total: data.total,
    rows: data.passages.map((_, i) => i),
  };
  let current = every;
  let shown = [];
  let drawn = 0;
  let opener = null;

  const read = (row) => {
    const [text, context, speaker, role, doc, when, place, start, end, codes, why, reasons] = data.passages[row];
    return {
      text, context, place, start, end, codes, why, reasons,
      speaker: data.speakers[speaker], role: data.roles[role], document: data.documents[doc], when: data.whens[when],
    };
  };

  const fill = (select, values) => {
    const found = [...new Set(values)].filter(Boolean).sort((a, b) => a.localeCompare(b));
    select.replaceChildren(new Option("any", ""), ...found.map((value) => new Option(value, value)));
    select.disabled = found.length < 2;
  };

  const citation = (p) => {
    const who = [p.speaker, p.role, p.when].filter(Boolean).join(", ");
    const where = [p.document, p.place, `characters ${p.start}–${p.end}`].filter(Boolean).join(", ");
    return `“${p.text.replace(/\s+/g, " ").trim()}” (${who ? `${who}; ` : ""}${where})`;
  };

  const copy = async (text, button) => {
    try {
      await navigator.clipboard.writeText(text);
    } catch {
      // Browsers that give file:// pages no clipboard still copy a selection.
      const area = make("textarea", "off");
      area.value = text;
      document.body.append(area);
      area.select();
      document.execCommand("copy");
      area.remove();
      button.focus();
    }
    button.textContent = "Copied";
    setTimeout(() => { button.textContent = "Copy citation"; }, 2000);
    byId("pane-status").textContent = "Citation copied.";
  };

  // Marks the words that moved one code's score, and lists them; pressed again, takes the marks away.
  const explain = (entry, p, k, button) => {
    const open = button.getAttribute("aria-pressed") !== "true";
    entry.querySelectorAll("button.why").forEach((other) => other.setAttribute("aria-pressed", "false"));
    button.setAttribute("aria-pressed", String(open));
    const words = open ? p.reasons.find(([code]) => code === k)[1] : [];
    const letters = [...p.text]; // places count code points, JavaScript's strings UTF-16 units
    const piece = (from, to) => letters.slice(from, to).join("");
    const parts = [];
    let at = 0;
    for (const [start, end, weight] of words) {
      parts.push(piece(at, start), make("mark", weight > 0 ? "for" : "against", piece(start, end)));
      at = end;
    }
    entry.querySelector(".text").firstElementChild.replaceChildren(...parts, piece(at));
    const listed = [...words].sort((a, b) => b[2] - a[2])
      .map(([start, end, weight]) => `${piece(start, end)} ${weight > 0 ? "+" : "−"}${Math.abs(weight).toFixed(2)}`);
    const line = entry.querySelector(".moved");
    line.hidden = !open;
    line.replaceChildren("Moved the score of ", make("bdi", "", data.codes[k]), " (log-odds): ", make("bdi", "", listed.join(", ")));
  };

  const item = (row) => {
    const p = read(row);
    const entry = make("li");
    entry.tabIndex = -1;
    entry.dataset.row = String(row);
    if (p.context.trim()) {
      const question = make("p", "context");
      question.append(make("span", "off", "Question: "), make("bdi", "", p.context));
      entry.append(question);
    }
    const text = make("p", "text");
    text.append(make("bdi", "", p.text));
    const source = make("p", "source");
    const parts = [[[p.speaker, p.role].filter(Boolean).join(", "), ""], [p.document, ""], [p.place, "keep"], [p.when, "keep"]];
    parts.filter(([part]) => part).forEach(([part, className], i) => {
      if (i) source.append(" · ");
      source.append(make("bdi", className, part));
    });
    const codes = make("ul", "codes");
    for (const [k, score, given] of p.codes) {
      const chip = make("li", given ? "given" : "near");
      let name = make("bdi", "", data.codes[k]);
      if (p.reasons.some(([code]) => code === k)) {
        const button = make("button", "why");
        button.type = "button";
        button.setAttribute("aria-pressed", "false");
        button.append(name, make("span", "off", ": show the words that moved it"));
        button.addEventListener("click", () => explain(entry, p, k, button));
        name = button;
      }
      chip.append(name, " ", make("span", "score", score === null ? "" : (score / 100).toFixed(2)));
      if (!given) chip.append(make("span", "off", " (not given)"));
      codes.append(chip);
    }
    const button = make("button", "link", "Copy citation");
    button.type = "button";
    button.addEventListener("click", () => copy(citation(p), button));
    source.append(" ", button);
    const moved = make("p", "moved");
    moved.hidden = true;
    moved.setAttribute("aria-live", "polite");
    entry.append(text, moved, source, codes);
    if (p.why) {
      const why = make("p", "because");
      why.append("Why: ", make("bdi", "", p.why));
      entry.append(why);
    }
    const [before, after] = [beside(row, -1), beside(row, 1)];
    if (before || after) {
      const around = make("button", "link", "In context");
      around.type = "button";
      around.setAttribute("aria-expanded", "false");
      around.addEventListener("click", () => inContext(entry, text, p, before, after, around));
      source.append(" ", around);
    }
    return entry;
  };

  // The passage before or after in the same document; a page that carries a sample does not know it.
  const beside = (row, step) => {
    const there = data.total === data.passages.length && data.passages[row + step];
    return there && there[4] === data.passages[row][4] ? read(row + step) : null;
  };

  const inContext = (entry, text, p, before, after, button) => {
    const open = button.getAttribute("aria-expanded") === "true";
    button.setAttribute("aria-expanded", String(!open));
    button.textContent = open ? "In context" : "Alone";
    entry.querySelectorAll(".around").forEach((e) => e.remove());
    const own = make(open ? "bdi" : "mark", "", p.text);
    text.replaceChildren(own);
    entry.querySelectorAll("button.why").forEach((why) => why.setAttribute("aria-pressed", "false"));
    entry.querySelector(".moved").hidden = true;
    if (open) return;
    const neighbour = (q, word) => {
      const around = make("p", "around");
      around.append(make("span", "off", `${word}: `));
      if (q.speaker && q.speaker !== p.speaker) around.append(make("bdi", "", `${q.speaker}: `));
      around.append(make("bdi", "", q.text));
      return around;
    };
    if (before) text.before(neighbour(before, "Before"));
    if (after) text.after(neighbour(after, "After"));
  };

  const more = () => {
    const next = shown.slice(drawn, drawn + BATCH);
    byId("pane-list").append(...next.map(item));
    drawn += next.length;
    const left = shown.length - drawn;
    const button = byId("pane-more");
    button.hidden = left <= 0;
    button.textContent = `Show ${Math.min(BATCH, left)} more of ${left.toLocaleString("en")}`;
  };

  const apply = () => {
    const needle = filters.text.value.trim().toLowerCase();
    shown = current.rows.filter((row) => {
      const p = read(row);
      return ["speaker", "role", "document"].every((key) => !filters[key].value || p[key] === filters[key].value)
        && (!needle || p.text.toLowerCase().includes(needle));
    });
    drawn = 0;
    byId("pane-list").replaceChildren();
    more();
    const none = current.total ? "" : "Nothing to list: no passage is behind this figure, which counts none.";
    if (none) {
      byId("pane-status").textContent = none;
      return;
    }
    const parts = [shown.length === current.rows.length
      ? `${plural(shown.length, "passage")} listed`
      : `${shown.length.toLocaleString("en")} of ${plural(current.rows.length, "passage")} match`];
    if (current.rows.length < current.total) parts.push(`a sample of ${current.total.toLocaleString("en")}`);
    if (current.total !== current.counted) parts.push(`the figure counts ${current.counted.toLocaleString("en")}`);
    byId("pane-status").textContent = `${parts.join("; ")}.`;
  };

  const mark = (cell) => {
    document.querySelectorAll("[data-cell][aria-pressed]").forEach((e) => e.removeAttribute("aria-pressed"));
    document.querySelectorAll(`button.cell[data-cell="${cell}"]`).forEach((e) => e.setAttribute("aria-pressed", "true"));
    document.querySelectorAll(".point").forEach((p) => p.classList.toggle("open", p.__data__.datum.cell === cell));
  };

  // Opens the list of a figure; with a row (of the predictions), at that passage.
  function open(cell, from, row) {
    current = cell === "all" ? every : data.cells[cell];
    opener = from;
    byId("pane-title").textContent = current.title;
    byId("pane-summary").textContent = current.summary;
    const passages = current.rows.map(read);
    for (const key of ["speaker", "role", "document"]) fill(filters[key], passages.map((p) => p[key]));
    filters.text.value = "";
    pane.hidden = false;
    document.body.classList.add("reading");
    pane.scrollTop = 0;
    apply();
    mark(cell);
    const wanted = row === undefined ? undefined : data.position[row];
    let entry = null;
    if (current.rows.includes(wanted)) {
      while (!(entry = pane.querySelector(`li[data-row="${wanted}"]`)) && drawn < shown.length) more();
    }
    if (entry) {
      entry.classList.add("wanted");
      entry.focus({ preventScroll: true });
      entry.scrollIntoView({ block: "center" });
    } else {
      byId("pane-title").focus({ preventScroll: true });
    }
    // Where the list comes up from below, what was pressed stays in sight above it.
    const top = pane.getBoundingClientRect().top;
    const covered = top > 0 ? from.getBoundingClientRect().bottom + 48 - top : 0;
    if (covered > 0) window.scrollBy(0, covered);
  }

  const close = () => {
    pane.hidden = true;
    document.body.classList.remove("reading");
    mark(null);
    if (opener && opener.isConnected) opener.focus({ preventScroll: true });
  };

  // ---- Paper --------------------------------------------------------------------------------------------------

  // What is open is what was asked for: a list of passages is printed behind the report, as far as it is sensible.
  const MOST_PRINTED = 500;
  window.addEventListener("beforeprint", () => {
    while (!pane.hidden && drawn < Math.min(shown.length, MOST_PRINTED)) more();
  });
  byId("print").addEventListener("click", () => window.print());
  byId("print-quotes").addEventListener("change", (event) => {
    document.body.classList.toggle("quotes", event.target.checked);
  });

  // What a figure's button does, for those who hear it: one that says so itself is left alone.
  document.querySelectorAll("button.cell:not([aria-label])").forEach((button) => {
    if (!button.querySelector(".off")) button.append(make("span", "off", ": show the passages"));
  });

  // ---- Wiring -------------------------------------------------------------------------------------------------

  document.addEventListener("click", (event) => {
    const button = event.target.closest("button[data-cell]");
    if (button) open(button.dataset.cell === "all" ? "all" : Number(button.dataset.cell), button, button.dataset.row);
  });
  document.addEventListener("keydown", (event) => { if (event.key === "Escape" && !pane.hidden) close(); });
  byId("pane-close").addEventListener("click", close);
  byId("pane-more").addEventListener("click", more);
  for (const key of ["speaker", "role", "document"]) filters[key].addEventListener("change", apply);
  let typing = 0;
  filters.text.addEventListener("input", () => { clearTimeout(typing); typing = setTimeout(apply, 120); });
  window.figures.draw(data.charts, open);
})();
