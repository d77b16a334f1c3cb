"use strict";
const UNKNOWN = -32768;
const AROUND_S = 10; // shown on each side of an alert that is jumped to
const STEPS_S = [0.1, 0.2, 0.5, 1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200];
const timelines = new Map();

const colour = (name) =>
  getComputedStyle(document.documentElement).getPropertyValue("--" + name).trim();

/** A figure with its "@name" colours replaced by the page's, light or dark. */
function painted(thing) {
  if (typeof thing === "string") return thing[0] === "@" ? colour(thing.slice(1)) : thing;
  if (Array.isArray(thing)) return thing.map(painted);
  if (thing === null || typeof thing !== "object") return thing;
  return Object.fromEntries(Object.entries(thing).map(([key, value]) => [key, painted(value)]));
}

/** Seconds as a clock where a recording is long, else as they are. */
function clock(t_s, whole_s) {
  const digits = t_s % 1 ? 1 : 0;
  if (whole_s <= 180) return t_s.toFixed(digits);
  const hours = Math.floor(t_s / 3600), minutes = Math.floor(t_s / 60) % 60;
  const seconds = (t_s % 60).toFixed(digits).padStart(digits ? 4 : 2, "0");
  return hours ? `${hours}:${String(minutes).padStart(2, "0")}:${seconds}` : `${minutes}:${seconds}`;
}

/** The lines as the page carries them: dms/report/packing.py says how. */
async function unpack(packed) {
  const bytes = Uint8Array.from(atob(packed.data), (letter) => letter.charCodeAt(0));
  const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("gzip"));
  const buffer = await new Response(stream).arrayBuffer();
  const t_s = new Float64Array(packed.count);
  let ticks = packed.start;
  new Int32Array(buffer, 0, packed.count).forEach((step, at) => { t_s[at] = (ticks += step) / 1000; });
  const values = {};
  packed.columns.forEach((column, at) => {
    const start = 4 * packed.count + 2 * packed.count * at;
    values[column.name] = { step: column.step, raw: new Int16Array(buffer, start, packed.count) };
  });
  return { t_s, values };
}

/** The first position at or after a time. */
function position(t_s, wanted_s) {
  let low = 0, high = t_s.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (t_s[middle] < wanted_s) low = middle + 1; else high = middle;
  }
  return low;
}

/** At most about `most` points of a line that keep each stretch's least and greatest; gaps stay. */
function thin(t_s, column, from, to, most) {
  const x = [], y = [], stretch = Math.max(1, Math.ceil((2 * (to - from)) / most));
  const add = (at) => { x.push(t_s[at]); y.push(column.raw[at] * column.step); };
  let gap = true;
  for (let start = from; start < to; start += stretch) {
    let least = -1, most_at = -1, unknown = -1;
    for (let at = start; at < Math.min(start + stretch, to); at++) {
      const value = column.raw[at];
      if (value === UNKNOWN) { unknown = at; continue; }
      if (least < 0 || value < column.raw[least]) least = at;
      if (most_at < 0 || value > column.raw[most_at]) most_at = at;
    }
    if (least >= 0) {
      add(Math.min(least, most_at));
      if (least !== most_at) add(Math.max(least, most_at));
      gap = false;
    }
    if (unknown >= 0 && !gap) { x.push(t_s[unknown]); y.push(null); gap = true; }
  }
  return { x, y };
}

class Timeline {
  constructor(place, made, unpacked) {
    Object.assign(this, { place, made, ...unpacked });
    this.shown = made.lines.map((line) => !line.hidden);
    this.whole = [...made.layout.xaxis.range];
    this.range = [...this.whole];
    this.marked = null;
  }

  get length_s() { return this.whole[1] - this.whole[0]; }

  alone(line) { return this.made.lines.filter((other) => other.panel === line.panel).length === 1; }

  data() {
    const from = Math.max(0, position(this.t_s, this.range[0]) - 1);
    const to = Math.min(this.t_s.length, position(this.t_s, this.range[1]) + 1);
    const most = 2 * Math.max(300, this.place.clientWidth);
    const lines = this.made.lines.map((line, at) => ({
      type: "scatter", mode: "lines", name: line.name, xaxis: "x", yaxis: "y" + (line.panel + 2),
      line: { color: colour(line.colour.slice(1)), width: 1.6, shape: line.stairs ? "hv" : "linear" },
      connectgaps: false, visible: this.shown[at], showlegend: false,
      hovertemplate: `${this.alone(line) ? this.made.panels[line.panel].title : line.name} ` +
        "%{y:.3~f}<extra></extra>",
      ...thin(this.t_s, this.values[line.column], from, to, most),
    }));
    return [...painted(this.made.data), ...lines];
  }

  layout() {
    const layout = painted(this.made.layout), small = this.place.clientWidth < 600;
    const ink = colour("ink"), soft = colour("soft");
    layout.margin = { l: small ? 78 : 104, r: small ? 10 : 16, t: 8, b: 44, pad: 4 };
    layout.font = { family: getComputedStyle(document.body).fontFamily, size: small ? 11 : 12, color: soft };
    layout.paper_bgcolor = layout.plot_bgcolor = "rgba(0,0,0,0)";
    layout.hovermode = "x unified";
    layout.hoversubplots = "axis";
    layout.hoverlabel = { bgcolor: colour("card"), bordercolor: colour("line"), font: { color: ink, size: 12 } };
    layout.barmode = "overlay";
    layout.dragmode = small ? "pan" : "zoom";
    layout.uirevision = "same";
    Object.assign(layout.xaxis, this.ticks(), {
      range: this.range, minallowed: this.whole[0], maxallowed: this.whole[1],
      showspikes: true, spikemode: "across", spikesnap: "cursor", spikethickness: 1,
      spikedash: "solid", spikecolor: soft, hoverformat: ".2f", unifiedhovertitle: { text: "%{x:.2f} s" },
    });
    layout.annotations = this.made.panels.map((panel, at) => ({
      xref: "paper", yref: "paper", x: 0, y: panel.top, xanchor: "left", yanchor: "bottom",
      showarrow: false, align: "left", font: { size: small ? 11 : 12.5, color: ink },
      text: `<b>${panel.title}</b>${small || !panel.unit ? "" : ", " + panel.unit}   ` + this.made.lines.map((line, index) =>
        line.panel === at && this.shown[index]
          ? `<span style="color:${colour(line.colour.slice(1))}">${small ? "" : "━ "}${line.name}</span>` : "")
        .filter(Boolean).join("  "),
    }));
    if (this.marked !== null) {
      layout.shapes = [...layout.shapes, {
        type: "line", xref: "x", yref: "paper", x0: this.marked, x1: this.marked, y0: 0, y1: 1,
        line: { color: colour("link"), width: 1.5, dash: "dash" },
      }];
    }
    return layout;
  }

  ticks() {
    const span = this.range[1] - this.range[0], most = this.place.clientWidth < 600 ? 5 : 10;
    const step = STEPS_S.find((one) => span / one <= most) || 14400;
    const tickvals = [], ticktext = [];
    for (let at = Math.ceil(this.range[0] / step); at * step <= this.range[1]; at++) {
      tickvals.push(at * step);
      ticktext.push(clock(at * step, this.length_s));
    }
    return { tickvals, ticktext, title: { text: this.length_s > 180 ? "min:s" : "s", standoff: 6 } };
  }

  async draw() {
    await Plotly.react(this.place, this.data(), this.layout(), { displayModeBar: false });
    if (this.listening) return;
    this.listening = true;
    this.place.on("plotly_relayout", (change) => {
      if (change["xaxis.autorange"]) this.look(...this.whole);
      else if ("xaxis.range[0]" in change) this.look(change["xaxis.range[0]"], change["xaxis.range[1]"]);
    });
    this.place.on("plotly_doubleclick", () => { this.look(...this.whole); return false; });
  }

  look(from_s, to_s) {
    const span = Math.min(Math.max(to_s - from_s, 0.2), this.length_s);
    const from = Math.min(Math.max(from_s, this.whole[0]), this.whole[1] - span);
    this.range = [from, from + span];
    return this.draw();
  }

  jump(t_s) {
    this.marked = t_s;
    const around = Math.min(AROUND_S, this.length_s / 2);
    return this.look(t_s - around, t_s + around);
  }

  act(word) {
    const [from, to] = this.range, span = to - from;
    if (word === "in") return this.look(from + span / 4, to - span / 4);
    if (word === "out") return this.look(from - span / 2, to + span / 2);
    if (word === "back") return this.look(from - span / 2, to - span / 2);
    if (word === "on") return this.look(from + span / 2, to + span / 2);
    if (word === "save") return Plotly.downloadImage(this.place, { format: "png", filename: "timeline" });
    this.marked = null;
    return this.look(...this.whole);
  }
}

/** Draw a place once; a figure without packed lines is drawn as it is. */
async function timeline(place) {
  if (!timelines.has(place)) {
    const made = JSON.parse(document.getElementById(place.dataset.figure).textContent);
    timelines.set(place, made.packed
      ? unpack(made.packed).then((lines) => new Timeline(place, made, lines))
      : Promise.resolve({ draw: () => Plotly.react(place, painted(made.data), painted(made.layout),
        { displayModeBar: false }) }));
    const drawn = await timelines.get(place);
    await drawn.draw();
    place.dataset.drawn = "yes";
  }
  return timelines.get(place);
}

document.addEventListener("click", async (event) => {
  const button = event.target.closest("button[data-plot]");
  if (!button) return;
  const place = document.getElementById(button.dataset.plot), drawn = await timeline(place);
  if (button.dataset.at === undefined) { drawn.act(button.dataset.do); return; }
  await drawn.jump(Number(button.dataset.at));
  place.scrollIntoView({ block: "nearest" });
});
document.addEventListener("change", async (event) => {
  const box = event.target;
  if (!box.matches("input[data-line]")) return;
  const drawn = await timeline(document.getElementById(box.dataset.plot));
  drawn.shown[Number(box.dataset.line)] = box.checked;
  drawn.draw();
});
const again = () => timelines.forEach((drawn) => drawn.then((one) => one.draw()));
matchMedia("(prefers-color-scheme: dark)").addEventListener("change", again);
let waiting = 0;
addEventListener("resize", () => { clearTimeout(waiting); waiting = setTimeout(again, 150); });
const near = new IntersectionObserver(
  (entries) => entries.forEach((entry) => { if (entry.isIntersecting) timeline(entry.target); }),
  { rootMargin: "400px" });
document.querySelectorAll(".plot").forEach((place) => near.observe(place));
addEventListener("beforeprint", () => document.querySelectorAll(".plot").forEach(timeline));
