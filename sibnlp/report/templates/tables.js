"use strict";
// Takes tables out of the page: CSV for a spreadsheet, LaTeX for a paper, ruled HTML for a word processor.
(() => {
  const LEFT_OUT = "off save noexport glyph".split(" ");
  const APART = new Set(["SMALL", "DIV", "P", "BLOCKQUOTE", "FOOTER", "LI"]);
  const BREAK = "\u0000";

  // What a cell says, its lines joined by semicolons.
  const parts = (node) => {
    if (node.nodeType === Node.TEXT_NODE) return node.data;
    if (node.nodeType !== Node.ELEMENT_NODE || LEFT_OUT.some((name) => node.classList.contains(name))) return "";
    if (node.tagName === "BUTTON" && node.classList.contains("link")) return "";
    const inner = [...node.childNodes].map(parts).join("");
    return APART.has(node.tagName) ? `${BREAK}${inner}${BREAK}` : inner;
  };
  const words = (node) =>
    parts(node).split(BREAK).map((part) => part.replace(/\s+/g, " ").trim()).filter(Boolean).join("; ");

  // Rows of {text, span, head, number}; a cell over several columns stands in the first.
  const grid = (table) =>
    [...table.rows].map((row) => [...row.cells].map((cell) => ({
      text: words(cell), span: cell.colSpan, head: cell.tagName === "TH", number: cell.classList.contains("num"),
    })));
  const caption = (table) => (table.caption ? words(table.caption) : "");

  // A spreadsheet runs what looks like a formula; a signed number is none, nor are words behind one without
  // anything that could call or refer.
  const runs = (text) => /^'*\s*[=+\-@\uff1d\uff0b\uff0d\uff20]/.test(text)
    && !/^[+\-]\d[\d.,]*%?(?:$|[\s;](?!.*[=|!(@]))/.test(text);
  const neutral = (text) => (runs(text) ? `'${text}` : text);

  const csv = (table) => {
    const quoted = (text) => {
      const safe = neutral(text);
      return /[",\r\n]/.test(safe) ? `"${safe.replace(/"/g, '""')}"` : safe;
    };
    const rows = grid(table).map((row) => row.flatMap((cell) => [quoted(cell.text), ...Array(cell.span - 1).fill("")]));
    return `\ufeff${rows.map((row) => row.join(",")).join("\r\n")}\r\n`;
  };

  const TEX = {
    "\\": "\\textbackslash{}", "{": "\\{", "}": "\\}", "&": "\\&", "%": "\\%", "$": "\\$", "#": "\\#", "_": "\\_",
    "~": "\\textasciitilde{}", "^": "\\textasciicircum{}", "<": "\\textless{}", ">": "\\textgreater{}",
    "−": "$-$", "–": "--", "—": "---", "→": "$\\rightarrow$", "►": "$\\blacktriangleright$", "▲": "$\\blacktriangle$",
    "×": "$\\times$", "“": "``", "”": "''", "’": "'", "…": "\\dots{}", "·": "$\\cdot$", "\u00a0": "~", "α": "$\\alpha$",
  };
  const escaped = (text) => text.replace(/[\\{}&%$#_~^<>−–—→►▲×“”’…·\u00a0α]/g, (char) => TEX[char]);

  const latex = (table) => {
    const rows = grid(table);
    const heads = table.tHead ? table.tHead.rows.length : 0;
    const width = Math.max(...rows.map((row) => row.reduce((n, cell) => n + cell.span, 0)));
    const longest = Array.from({ length: width }, (_, i) => Math.max(0, ...rows.filter((row) => row.length === width).map((row) => row[i].text.length)));
    const wide = longest.filter((n) => n > 30).length;
    const columns = longest.map((n, i) => {
      if (n > 30) return `p{${(0.8 / Math.max(wide, 2)).toFixed(2)}\\linewidth}`;
      return rows.slice(heads).some((row) => row.length === width && row[i].number) ? "r" : "l";
    });
    const line = (row) =>
      `${row.map((cell) => (cell.span > 1 ? `\\multicolumn{${cell.span}}{l}{${escaped(cell.text)}}` : escaped(cell.text))).join(" & ")} \\\\`;
    return [
      "% \\usepackage{booktabs,amssymb}; names in other scripts need XeLaTeX or LuaLaTeX.",
      "\\begin{table}", "\\small", `\\caption{${escaped(caption(table))}}`,
      `\\begin{tabular}{@{}${columns.join("")}@{}}`, "\\toprule", ...rows.slice(0, heads).map(line), "\\midrule",
      ...rows.slice(heads).map(line), "\\bottomrule", "\\end{tabular}", "\\end{table}", "",
    ].join("\n");
  };

  const html = (table) => {
    const safe = (text) => text.replace(/[&<>"]/g, (char) => `&#${char.charCodeAt(0)};`);
    const rows = grid(table);
    const heads = table.tHead ? table.tHead.rows.length : 0;
    const rule = (i) => (i === 0 ? "border-top:1.5pt solid #000;" : "") + (i === heads - 1 ? "border-bottom:.75pt solid #000;" : "")
      + (i === rows.length - 1 ? "border-bottom:1.5pt solid #000;" : "");
    const body = rows.map((row, i) => `<tr>${row.map((cell) => {
      const tag = cell.head ? "th" : "td";
      const style = `${rule(i)}padding:2pt 6pt 2pt 0;vertical-align:top;text-align:${cell.number ? "right" : "left"};font-weight:${i < heads ? "bold" : "normal"}`
        + (runs(cell.text) ? ";mso-number-format:'\\@'" : "");
      return `<${tag} colspan="${cell.span}" style="${style}">${safe(cell.text).replace(/; /g, "<br>")}</${tag}>`;
    }).join("")}</tr>`).join("");
    return `<p style="font-family:serif;font-size:10pt">${safe(caption(table))}</p><table style="border-collapse:collapse;font-family:serif;font-size:9pt">${body}</table>`;
  };

  const save = (name, type, text) => {
    const link = document.createElement("a");
    link.href = URL.createObjectURL(new Blob([text], { type }));
    link.download = name;
    link.click();
    setTimeout(() => URL.revokeObjectURL(link.href), 10000);
  };

  // Works from file:// as well, where the asynchronous clipboard may be closed.
  const copy = (table, button) => {
    const plain = grid(table).map((row) => row.map((cell) => neutral(cell.text)).join("\t")).join("\n");
    const put = (event) => {
      event.clipboardData.setData("text/html", html(table));
      event.clipboardData.setData("text/plain", plain);
      event.preventDefault();
    };
    document.addEventListener("copy", put, { once: true });
    const done = document.execCommand("copy");
    document.removeEventListener("copy", put);
    button.textContent = done ? "Copied" : "Could not copy";
    setTimeout(() => { button.textContent = "Copy for Word"; }, 2000);
  };

  document.querySelectorAll("main table").forEach((table, i) => {
    if (!table.caption) return;
    const name = table.id || `table-${i + 1}`;
    const box = document.createElement("span");
    box.className = "save";
    const add = (label, what, act) => {
      const button = document.createElement("button");
      button.type = "button";
      button.className = "link";
      button.textContent = label;
      button.dataset.table = what;
      button.addEventListener("click", () => act(button));
      box.append(button, " ");
    };
    add("CSV", "csv", () => save(`${name}.csv`, "text/csv", csv(table)));
    add("LaTeX", "tex", () => save(`${name}.tex`, "application/x-tex", latex(table)));
    add("Copy for Word", "html", (button) => copy(table, button));
    // A table is called by its caption, not by the buttons in it.
    table.setAttribute("aria-label", table.caption.textContent.replace(/\s+/g, " ").trim());
    table.caption.append(" ", box);
  });
})();
