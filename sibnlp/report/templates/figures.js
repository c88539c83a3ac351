"use strict";
// Draws the charts, makes their points reachable by keyboard, and saves them. Shared by all pages.
(() => {
  const byId = (id) => document.getElementById(id);
  const views = new Map();
  let charts = [];
  let onPoint = null; // what a press on a point does: (cell, element); null where points open nothing

  const points = (host) =>
    [...host.querySelectorAll("svg path, svg line")].filter((p) => {
      const datum = p.__data__ && p.__data__.datum;
      return datum && Number.isInteger(datum.cell) && p.hasAttribute("aria-label");
    });

  // The unseen targets of points overlap: a press is meant for the point whose middle is nearest, not for the topmost.
  const nearest = (event) => {
    const host = event.target.closest && event.target.closest(".chart");
    if (!host || event.target.tagName !== "path") return event.target;
    const away = (p) => {
      const box = p.getBoundingClientRect();
      return Math.hypot(box.x + box.width / 2 - event.clientX, box.y + box.height / 2 - event.clientY);
    };
    const all = points(host).filter((p) => p.tagName === "path");
    return all.includes(event.target) ? all.reduce((best, p) => (away(p) < away(best) ? p : best)) : event.target;
  };

  const tip = byId("tip");
  // Vega's own tooltip writes HTML and adds a style element; this one writes text.
  const showTip = (handler, event, item, value) => {
    tip.hidden = !value;
    if (!value) return;
    tip.textContent = nearest(event).getAttribute("aria-label") || String(value);
    const room = document.documentElement.clientWidth - tip.offsetWidth - 8;
    tip.style.left = `${Math.max(8, Math.min(event.clientX + 12, room))}px`;
    tip.style.top = `${event.clientY + 16}px`;
  };

  // As many panels a row as are readable, then as wide as the row allows.
  const layOut = (spec, width) => {
    const panels = spec.concat;
    const { margin, columns: most, widest } = spec.usermeta;
    let columns = Math.max(1, Math.min(panels.length, Math.floor(width / 240), most));
    if (columns > 1) columns = Math.ceil(panels.length / Math.ceil(panels.length / columns));
    const inner = Math.max(110, Math.min(widest, Math.floor(width / columns) - margin));
    spec.columns = columns;
    for (const panel of panels) {
      panel.width = inner;
      if (panel.title) panel.title.limit = columns === 1 ? width - 50 : inner + 40;
    }
    return `${columns}×${inner}`;
  };

  // One tab stop a figure; arrows walk its points.
  const makeReachable = (host) => {
    const all = points(host);
    all.forEach((point, i) => {
      point.setAttribute("tabindex", i ? "-1" : "0");
      point.setAttribute("role", "button");
      point.classList.add("point");
      point.addEventListener("keydown", (event) => {
        const step = { ArrowRight: 1, ArrowDown: 1, ArrowLeft: -1, ArrowUp: -1 }[event.key];
        if (step) {
          const next = all[(i + step + all.length) % all.length];
          point.setAttribute("tabindex", "-1");
          next.setAttribute("tabindex", "0");
          next.focus();
          event.preventDefault();
        } else if (event.key === "Enter" || event.key === " ") {
          onPoint(point.__data__.datum.cell, point);
          event.preventDefault();
        }
      });
    });
  };

  const embed = (host, spec) => window.vegaEmbed(host, spec,
    { mode: "vega-lite", ast: true, renderer: "svg", actions: false, defaultStyle: false, tooltip: showTip });

  // A printed figure is laid out for the sheet, not shrunk from the screen: drawn once, when all else is done.
  const PAPER = 660;
  const drawForPaper = async (chart) => {
    const copy = document.createElement("div");
    copy.className = "paper";
    copy.setAttribute("aria-hidden", "true");
    const spec = structuredClone(chart.spec);
    layOut(spec, PAPER);
    await embed(copy, spec);
    byId(chart.id).after(copy);
  };

  const draw = async (chart) => {
    const host = byId(chart.id);
    const layout = layOut(chart.spec, host.clientWidth || 320);
    if (host.dataset.layout === layout) return;
    host.dataset.layout = layout;
    try {
      const result = await embed(host, structuredClone(chart.spec));
      result.view.addEventListener("click", (event, item) => {
        if (!onPoint || !item || !item.datum || !Number.isInteger(item.datum.cell)) return;
        const point = nearest(event);
        onPoint(point.__data__.datum.cell, point);
      });
      views.set(chart.id, result.view);
      if (onPoint) makeReachable(host);
      host.dataset.drawn = "yes";
    } catch (error) {
      host.textContent = `The figure could not be drawn (${error.message}); the table holds the same numbers.`;
    }
  };

  let resizing = 0;
  const redraw = () => {
    clearTimeout(resizing);
    // A pane opening beside a chart scales it; only the window's own width lays it out anew.
    resizing = setTimeout(() => document.body.classList.contains("reading") || charts.forEach(draw), 150);
  };

  const save = async (figure, type) => {
    const view = views.get(figure);
    if (!view) return;
    const link = document.createElement("a");
    link.href = await view.toImageURL(type, type === "png" ? 4 : 1);
    link.download = `${figure}.${type}`;
    link.click();
  };

  document.addEventListener("click", (event) => {
    const button = event.target.closest("button[data-save]");
    if (button) save(button.dataset.figure, button.dataset.save);
  });
  window.addEventListener("resize", redraw);
  // On a phone rows are laid out as blocks, and some browsers then forget that they are a table.
  const roles = { TABLE: "table", CAPTION: "caption", THEAD: "rowgroup", TBODY: "rowgroup", TR: "row", TD: "cell" };
  const narrow = matchMedia("(max-width: 620px)");
  const say = () => document.querySelectorAll(".stack, .stack *").forEach((e) => {
    const role = e.tagName === "TH" ? (e.scope === "col" ? "columnheader" : "rowheader") : roles[e.tagName];
    if (role && narrow.matches) e.setAttribute("role", role);
    else if (role) e.removeAttribute("role");
  });
  say();
  narrow.addEventListener("change", say);

  // A table that fits needs no stop for scrolling it by keyboard.
  document.querySelectorAll(".scroll").forEach((box) => {
    if (box.scrollWidth <= box.clientWidth) box.removeAttribute("tabindex");
  });

  window.figures = {
    draw(all, press) {
      charts = all;
      onPoint = press || null;
      const paper = async () => {
        for (const chart of all) await drawForPaper(chart).catch(() => {}); // without it the screen's figure is printed
        document.documentElement.dataset.paper = "yes";
      };
      Promise.all(charts.map(draw)).then(() => setTimeout(paper, 50));
    },
  };
})();
