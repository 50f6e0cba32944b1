// Copyright: (c) mailops.smtp contributors
// GNU General Public License v3.0+ (see https://www.gnu.org/licenses/gpl-3.0.txt)
// SPDX-License-Identifier: GPL-3.0-or-later
"use strict";
// The page is complete without this. It adds: filters, a walk through the matrix by keys, and the evidence of one host and endpoint.
// All texts become text nodes; no markup is ever made of data.
(() => {
  const $ = (id) => document.getElementById(id);
  const SVG = "http://www.w3.org/2000/svg";
  // Places in a row of the data, see page.py.
  const SOURCE = 0, SUBJECT = 1, STATE = 2, CAUSE = 3, LAYER = 4, MESSAGE = 5, REMEDY = 6, STEPS = 7, MS = 8, ELAPSED = 9, ASKED = 10,
    MODE = 11, TLS = 12, CERTIFICATES = 13, CAPABILITIES = 14, ADDRESSES = 15, GREETING = 16, FINDINGS = 17, ALTERNATIVES = 18, TIME = 19, GROUPS = 20;
  const DAY = 86400000;

  let known = null;
  // Read when it is needed first: ten thousand hosts are some megabytes, and the table is there without them.
  const data = () => {
    if (known) return known;
    known = JSON.parse($("data").textContent);
    known.of = known.sources.map(() => []);
    for (const row of known.rows) known.of[row[SOURCE]].push(row);
    return known;
  };
  const value = (place) => data().values[place];
  const words = (code) => (code || "").replaceAll("_", " ");

  const element = (name, attributes = {}, ...children) => {
    const made = document.createElement(name);
    for (const [key, each] of Object.entries(attributes)) made.setAttribute(key, each);
    made.append(...children.filter((one) => one !== null && one !== undefined));
    return made;
  };
  const drawn = (name, attributes = {}, ...children) => {
    const made = document.createElementNS(SVG, name);
    for (const [key, each] of Object.entries(attributes)) made.setAttribute(key, String(each));
    made.append(...children);
    return made;
  };

  // -- the matrix: cells become buttons when they come near, one of all is in the order of the Tab key

  const chunks = [...document.querySelectorAll(".some")];
  const trs = chunks.map((chunk) => [...chunk.querySelectorAll("tbody tr")]);
  const all = trs.flat();
  const cellsOf = (tr) => [...tr.querySelectorAll("td[class^=x-], .chips li")];
  let current = null;

  const upgrade = (chunk) => {
    if (chunk.dataset.ready) return;
    chunk.dataset.ready = "1";
    for (const tr of trs[chunks.indexOf(chunk)]) for (const cell of cellsOf(tr)) {
      const button = element("button", { type: "button", tabindex: "-1" });
      button.append(...cell.childNodes);
      cell.append(button);
      if (!current) { current = button; button.tabIndex = 0; }
    }
  };
  if (chunks.length) {
    const near = new IntersectionObserver((entries) => {
      for (const one of entries) if (one.isIntersecting) { upgrade(one.target); near.unobserve(one.target); }
    }, { rootMargin: "400px" });
    upgrade(chunks[0]);
    chunks.forEach((chunk) => near.observe(chunk));
  }
  const goTo = (button) => {
    if (!button) return;
    if (current) current.tabIndex = -1;
    current = button;
    button.tabIndex = 0;
    button.focus();
  };
  const chunkOf = (tr) => tr.closest(".some");
  const buttonsOf = (tr) => { upgrade(chunkOf(tr)); return [...tr.querySelectorAll("button")]; };
  const shown = () => all.filter((tr) => !tr.hidden);
  const inRow = (tr, place) => { const list = buttonsOf(tr); return list[Math.min(place, list.length - 1)]; };

  const walk = (event) => {
    const button = event.target.closest("button");
    if (!button || event.ctrlKey && !["Home", "End"].includes(event.key) || event.altKey || event.metaKey) return;
    const tr = button.closest("tr");
    const list = buttonsOf(tr);
    const place = list.indexOf(button);
    const rows = shown();
    const line = rows.indexOf(tr);
    const down = { ArrowDown: 1, ArrowUp: -1, PageDown: 15, PageUp: -15 }[event.key];
    let next = null;
    if (event.key === "ArrowRight") next = list[place + 1];
    else if (event.key === "ArrowLeft") next = list[place - 1];
    else if (event.key === "Home") next = event.ctrlKey ? inRow(rows[0], 0) : list[0];
    else if (event.key === "End") next = event.ctrlKey ? inRow(rows[rows.length - 1], place) : list[list.length - 1];
    else if (down) next = inRow(rows[Math.max(0, Math.min(rows.length - 1, line + down))], place);
    else return;
    event.preventDefault();
    goTo(next);
  };

  // -- filters; they stand in the address, so that a link shows the same

  const form = $("filters");
  const FIELDS = ["text", "state", "group", "cause", "relay", "family"];
  const wanted = () => Object.fromEntries(FIELDS.map((name) => [name, form.elements[name] ? form.elements[name].value : ""]));

  const fits = (row, want) => {
    const { states, causes, subjects } = data();
    if (want.relay && subjects[row[SUBJECT]] !== want.relay) return false;
    if (want.cause && (row[CAUSE] < 0 || causes[row[CAUSE]] !== want.cause) &&
        !value(row[FINDINGS]).some((one) => one.code === want.cause) && states[row[STATE]] !== want.cause) return false;
    if (want.state === "bad" && ["works", "attention", "other_port"].includes(states[row[STATE]])) return false;
    if (want.state && want.state !== "bad" && states[row[STATE]] !== want.state) return false;
    if (want.family) {
      // With a cause that has addresses of its own: an address of that family must have failed, else one must be there.
      const of = value(row[ADDRESSES]).filter((one) => String(one.family) === want.family);
      if (!of.length || (want.state === "bad" || want.cause) && !of.some((one) => one.ok === false)) return false;
    }
    return true;
  };

  const hosts = (number) => `${number.toLocaleString("en")} ${number === 1 ? "host" : "hosts"}`;

  const filter = () => {
    const want = wanted();
    const text = want.text.trim().toLowerCase();
    const byRow = want.relay || want.cause || want.state || want.family;
    const any = byRow || text || want.group;
    const height = parseFloat(getComputedStyle(document.documentElement).fontSize) * 2;
    let count = 0;
    let place = 0;
    const found = any ? data() : null;
    chunks.forEach((chunk, index) => {
      let here = 0;
      for (const tr of trs[index]) {
        const source = place++;
        let keep = true;
        if (any) {
          const rows = found.of[source];
          const matching = byRow ? rows.map((row) => fits(row, want)) : null;
          keep = (!text || found.sources[source].toLowerCase().includes(text)) &&
            (!want.group || rows.some((row) => value(row[GROUPS]).includes(want.group))) && (!byRow || matching.includes(true));
          if (keep && byRow) cellsOf(tr).forEach((cell, at) => cell.classList.toggle("dim", !matching[at]));
        }
        if (keep && !byRow && tr.dataset.dim) cellsOf(tr).forEach((cell) => cell.classList.remove("dim"));
        if (keep && byRow) tr.dataset.dim = "1"; else if (keep) delete tr.dataset.dim;
        if (tr.hidden === keep) tr.hidden = !keep;
        if (keep) here++;
      }
      chunk.hidden = !here;
      chunk.style.containIntrinsicSize = `auto ${here * height}px`;
      count += here;
    });
    $("count").textContent = any ? `${count.toLocaleString("en")} of ${hosts(all.length)}` : hosts(all.length);
    $("nothing").hidden = count > 0;
    if (current && current.closest("tr").hidden) { const first = shown()[0]; if (first) { current.tabIndex = -1; current = inRow(first, 0); current.tabIndex = 0; } }
  };
  const toAddress = () => {
    const said = new URLSearchParams(Object.entries(wanted()).filter(([, each]) => each));
    try { history.replaceState(null, "", said.size ? `#${said}` : location.pathname + location.search); } catch { /* a file in a frame has no history */ }
  };
  const fromAddress = (event) => {
    if (!location.hash.includes("=")) return;
    const said = new URLSearchParams(location.hash.slice(1));
    for (const name of FIELDS) if (form.elements[name]) form.elements[name].value = said.get(name) || "";
    filter();
    if (event) $("hosts").scrollIntoView();
  };

  // -- pictures

  const ladder = (row) => {
    const steps = value(row[STEPS]);
    const total = Math.max(row[MS].reduce((sum, ms) => sum + ms, 0), 1);
    const left = 92, width = 500, line = 26;
    const reached = new Set(steps.map(([layer]) => layer));
    // A name such as __proto__ is in every object, and no mode.
    const order = Object.hasOwn(data().order, value(row[ASKED])) ? data().order[value(row[ASKED])] : data().order.starttls;
    const broken = steps.find(([, ok]) => !ok);
    const missing = broken ? order.slice(order.indexOf(broken[0]) + 1).filter((layer) => !reached.has(layer) && layer !== "mode") : [];
    const picture = drawn("svg", { class: `picture x-${layerOf(row)}`, viewBox: `0 0 680 ${(steps.length + missing.length) * line + 24}`, role: "img" });
    picture.append(drawn("title", {}, `The ladder: ${steps.map(([layer, ok], at) => `${words(layer)} ${ok ? "passed" : "failed"} in ${row[MS][at]} ms`).join(", ")}`));
    const bottom = (steps.length + missing.length) * line;
    for (const part of [0, .25, .5, .75, 1]) {
      const x = left + width * part;
      picture.append(drawn("line", { x1: x, x2: x, y1: 0, y2: bottom }), drawn("text", { x, y: bottom + 17, class: "muted", "text-anchor": "middle" }, span(total * part)));
    }
    let at = 0;
    steps.forEach(([layer, ok], place) => {
      const y = place * line;
      const ms = row[MS][place];
      const x = left + width * at / total;
      const wide = Math.max(width * ms / total, 3);
      picture.append(drawn("text", { x: left - 10, y: y + 17, class: "end" }, layer));
      picture.append(drawn("rect", { x, y: y + 5, width: wide, height: 16, rx: 3, class: ok ? "ok" : "bad" }));
      const late = x + wide > left + width - 70 && x > left + 80;
      picture.append(drawn("text", { x: late ? x - 7 : x + wide + 7, y: y + 17, class: late ? "muted end" : "muted" }, `${ok ? "" : "✕ "}${span(ms)}`));
      at += ms;
    });
    missing.forEach((layer, place) => {
      const y = (steps.length + place) * line + 17;
      picture.append(drawn("text", { x: left - 10, y, class: "muted end" }, layer), drawn("text", { x: left + 8, y, class: "muted" }, "not reached"));
    });
    return picture;
  };
  const span = (ms) => ms >= 10000 ? `${Math.round(ms / 1000)} s` : ms >= 1000 ? `${(ms / 1000).toFixed(1)} s` : ms >= 10 || ms === 0 ? `${Math.round(ms)} ms` : `${ms.toFixed(1)} ms`;
  const layerOf = (row) => data().states[row[STATE]] === "other_port" ? "other_port" : row[LAYER] >= 0 ? data().layers[row[LAYER]] : row[CAUSE] >= 0 ? "other" : data().states[row[STATE]];

  const timeline = (certificates, now) => {
    const spans = certificates.map((one) => [Date.parse(one.not_before), Date.parse(one.not_after)]).filter(([from, to]) => to > from);
    if (spans.length !== certificates.length) return null;
    const first = Math.min(now, ...spans.map(([from]) => from)), end = Math.max(now, ...spans.map(([, to]) => to));
    // Roots live for decades: the scale gives the first two years around today half of the width.
    const near = 730 * DAY;
    const scale = (moment) => {
      const past = now - first, future = end - now;
      const share = past / (past + future) * .35 + .1;
      const squash = (distance, whole) => whole <= near ? distance / (whole || 1) : distance <= near ? distance / near * .7 : .7 + (distance - near) / (whole - near) * .3;
      return 680 * (moment < now ? share * (1 - squash(now - moment, past)) : share + (1 - share) * squash(moment - now, future));
    };
    const line = 40;
    const picture = drawn("svg", { class: "picture", viewBox: `0 0 680 ${certificates.length * line + 22}`, role: "img" });
    picture.append(drawn("title", {}, certificates.map((one) => `${name(one.subject)}: ${left(one, now)}`).join("; ")));
    certificates.forEach((one, place) => {
      const [from, to] = spans[place];
      const y = place * line;
      const days = Math.floor((to - now) / DAY);
      const x = scale(from), middle = Math.min(Math.max(scale(now), x), scale(to)), right = scale(to);
      picture.append(drawn("text", { x: 0, y: y + 13 }, `${name(one.subject)} `, drawn("tspan", { class: "muted" }, `${one.not_before.slice(0, 10)} to ${one.not_after.slice(0, 10)}, ${left(one, now)}`)));
      picture.append(drawn("rect", { x, y: y + 20, width: Math.max(middle - x, 1), height: 9, rx: 2, class: days < 0 ? "over" : "past" }));
      if (right > middle) picture.append(drawn("rect", { x: middle, y: y + 20, width: Math.max(right - middle, 2), height: 9, rx: 2, class: days < 14 ? "soon" : "left" }));
    });
    const x = scale(now), bottom = certificates.length * line;
    certificates.forEach((one, place) => picture.append(drawn("line", { x1: x, x2: x, y1: place * line + 17, y2: place * line + 32, class: "today" })));
    picture.append(drawn("text", { x, y: bottom + 17, class: "muted", "text-anchor": "middle" }, "this report"));
    return picture;
  };
  const left = (one, now) => {
    const days = Math.floor((Date.parse(one.not_after) - now) / DAY);
    return days < 0 ? `ended ${-days} ${days === -1 ? "day" : "days"} ago` : Date.parse(one.not_before) > now ? "not valid yet" : `${days} days left`;
  };
  const name = (subject) => { const found = /(?:^|,)CN=((?:\\.|[^,\\])*)/.exec(subject || ""); return found ? found[1] : subject || "without a name"; };

  const capabilities = (both) => {
    const before = both.before_tls || {}, after = both.after_tls || {};
    const names = [...new Set([...Object.keys(before), ...Object.keys(after)])].sort();
    if (!names.length) return null;
    const shownAs = (found, one) => Object.hasOwn(found, one) ? found[one].join(" ") || "yes" : "no";
    // A port with TLS from the first byte has only one answer to EHLO.
    const two = Object.keys(before).length && Object.keys(after).length;
    const body = names.map((one) => element("tr", two && shownAs(before, one) !== shownAs(after, one) ? { class: "differs" } : {},
      element("th", { scope: "row" }, one), element("td", {}, shownAs(before, one)), element("td", {}, shownAs(after, one))));
    return element("table", { class: "plain" },
      element("thead", {}, element("tr", {}, element("th", { scope: "col" }, "Capability"), element("th", { scope: "col" }, "Before TLS"), element("th", { scope: "col" }, "After TLS"))),
      element("tbody", {}, ...body));
  };

  // -- one host and endpoint

  const dialog = $("detail");
  const part = (title, content) => content ? [element("h3", {}, title), content] : [];
  const facts = (pairs) => element("dl", { class: "facts" }, ...pairs.filter(([, each]) => each).flatMap(([key, each]) => [element("dt", {}, key), element("dd", {}, element("bdi", {}, each))]));
  const listed = (entries) => entries.length ? element("ul", {}, ...entries.map((each) => element("li", {}, element("bdi", {}, each)))) : null;

  const modes = (asked, found) => asked && found && asked !== found ? `${asked} asked, ${found} found` : found || asked;

  const open = (row) => {
    const { sources, subjects, states, causes, base } = data();
    const now = (base + row[TIME]) * 1000;
    const tls = value(row[TLS]);
    const state = states[row[STATE]];
    const certificates = value(row[CERTIFICATES]);
    const close = element("button", { type: "button" }, "Close");
    close.addEventListener("click", () => dialog.close());
    const title = element("h2", { id: "detail-title" }, element("bdi", {}, sources[row[SOURCE]]), element("span", { class: "soft" }, row[SUBJECT] < 0 ? "" : " to "), element("bdi", {}, row[SUBJECT] < 0 ? "" : subjects[row[SUBJECT]]));
    const said = row[CAUSE] >= 0 ? words(causes[row[CAUSE]]) : words(state).replace("attention", "works, with a warning") + (state === "other_port" ? ", and another port works" : "");
    const inside = element("div", { class: `x-${layerOf(row)}` }, element("header", {}, title, close),
      element("p", { class: "verdict" }, element("span", { class: "tile" + ` x-${layerOf(row)}` }), element("b", {}, said)));
    if (value(row[MESSAGE])) inside.append(element("p", { class: "verdict" }, element("bdi", {}, value(row[MESSAGE]))));
    if (value(row[REMEDY])) inside.append(element("p", { class: "do" }, element("b", {}, "What to do: "), element("bdi", {}, value(row[REMEDY]))));
    inside.append(facts([
      ["Mode", modes(value(row[ASKED]), value(row[MODE]))],
      ["TLS", [tls.version, tls.cipher].filter(Boolean).join(", ") + (tls.verify_error ? `; ${tls.verify_error}` : "")],
      ["Greeting", value(row[GREETING])],
      ["Addresses", value(row[ADDRESSES]).map((one) => `${one.address} ${one.ok ? "works" : one.ok === false ? words(one.cause) || "fails" : "not known"}`).join(", ")],
      ["Works instead", value(row[ALTERNATIVES]).filter((one) => one.ok).map((one) => `port ${one.port} (${one.security})`).join(", ")],
      ["Groups", value(row[GROUPS]).join(", ")],
      ["Asked", new Date(now).toISOString().slice(0, 19).replace("T", " ") + " UTC"],
    ]));
    inside.append(...part("Steps", row[MS].length ? ladder(row) : null),
      ...part("Should be seen", listed(value(row[FINDINGS]).map((one) => `${words(one.code)}: ${one.message} ${one.remedy || ""}`))),
      ...part("Certificates", certificates.length ? timeline(certificates, now) || listed(certificates.map((one) => `${name(one.subject)} until ${one.not_after}`)) : null));
    for (const one of certificates) inside.append(facts([["Subject", one.subject], ["Issuer", one.issuer], ["Names", (one.sans || []).join(", ")], ["Key", `${one.key_type || "?"} ${one.key_bits || ""}, ${one.signature_algorithm || "?"}`], ["SHA-256", one.sha256]]));
    inside.append(...part("Capabilities", capabilities(value(row[CAPABILITIES]))));
    dialog.replaceChildren(inside);
    dialog.showModal();
    dialog.scrollTop = 0;
    close.focus({ preventScroll: true });
  };

  const matrix = $("matrix");
  if (matrix) {
    matrix.addEventListener("click", (event) => {
      const button = event.target.closest("button");
      if (!button) return;
      goTo(button);
      const tr = button.closest("tr");
      const row = data().of[all.indexOf(tr)][buttonsOf(tr).indexOf(button)];
      if (row) open(row);
    });
    matrix.addEventListener("keydown", walk);
    dialog.addEventListener("click", (event) => { if (event.target === dialog) dialog.close(); });
    dialog.addEventListener("close", () => { if (current) current.focus(); });
    form.hidden = all.length < 2;
    form.addEventListener("submit", (event) => event.preventDefault());
    form.addEventListener("input", () => { filter(); toAddress(); });
    form.addEventListener("reset", () => setTimeout(() => { filter(); toAddress(); }));
    addEventListener("hashchange", fromAddress);
    fromAddress();
    filter();
  }
})();
