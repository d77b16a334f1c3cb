"use strict";
const SECONDS = 60;
const NAMES = ["none", "advisory", "warning", "critical"];
const PARTS = { camera: "camera", engine: "nets", bridge: "bus", vehicle: "vehicle signals" };
const past = [];
const told = new Set();
const at = (id) => document.getElementById(id);
const say = (id, text) => { if (at(id).textContent !== text) at(id).textContent = text; };
const known = (value) => value !== null && value !== undefined;
const share = (value) => (known(value) ? Math.round(100 * value) + " %" : "–");
const words = (name) => name.replaceAll("_", " ");

function show(now) {
  document.body.dataset.connected = now.connected ? "yes" : "no";
  if (!now.connected) { lost(now.why); return; }
  say("link", now.replay ? "replay of " + now.replay : "live");
  if (past.length && now.t_s < past[past.length - 1].t_s) { past.length = 0; told.clear(); }
  past.push(now);
  while (now.t_s - past[0].t_s > SECONDS) past.shift();
  document.body.dataset.level = now.level;
  document.body.dataset.eyes = now.eyes;
  banner(now);
  eyes(now);
  attention(now);
  mood(now);
  health(now);
  say("time", clock(now.t_s));
  for (const alert of now.active || []) note(alert, now);
}

function lost(why) {
  const ended = why.includes("has ended");
  say("link", ended ? why : "not connected: " + why);
  say("alert", ended ? "ended" : "not connected");
  say("reason", why);
  document.title = ended ? "ended · dms" : "not connected · dms";
}

function banner(now) {
  const top = (now.active || [])[0];
  const name = now.kind ? words(now.kind) : now.paused ? "paused" : "no alert";
  say("alert", name);
  let reason = "";
  if (top) reason = `${NAMES[top.level]}: ${top.reason}${latched(top, now)}`;
  else if (now.paused) reason = "monitoring was switched off";
  else if (now.eyes === "unknown") reason = "the eyes are not seen" + unseen(now);
  say("reason", reason);
  document.title = (now.level ? "⚠ " : "") + name + " · dms";
}

/** What an alert waits for whose cause is over, as the tiles below show; "" while it lasts. */
function latched(alert, now) {
  const lids = !now.lids || now.lids === "open" || now.lids === "unknown";
  if (now.away !== false || now.eyes !== "open" || !lids) return "";
  const closure = ["microsleep", "sleep", "unresponsive"].includes(alert.kind);
  if (!closure && alert.kind !== "distraction") return "";
  return ` · ${closure ? "eyes open" : "looks ahead"} again, latched until attention lasts` +
    (alert.level === 3 ? " or the alert is acknowledged" : "");
}

const unseen = (now) => (now.unseen ? ": " + words(now.unseen) : "");

function eyes(now) {
  const lids = { lowered: "lowered", away_or_closed: "away or closed" }[now.lids];
  say("eyes", lids || (now.eyes === "unknown" ? "not seen" : now.eyes));
  gauge("openness", now.openness, 1);
  say("openness-text", now.eyes === "unknown" ? words(now.unseen || "why is unknown")
    : now.closed_s >= 0.5 ? `closed for ${now.closed_s.toFixed(1)} s` : share(now.openness) + " open");
  say("perclos", share(now.perclos));
  gauge("perclos-bar", now.perclos, 0.4);
  say("drowsiness", known(now.drowsiness) ? `${now.drowsiness} of 9` : "–");
  scale(now.drowsiness);
  const learned = now.baseline_progress;
  say("learned", share(learned));
  gauge("learned-bar", learned, 1);
  say("learning", !known(learned) ? "–" : learned >= 1 ? "learned" : "still learning");
}

function gauge(id, value, most) {
  const bar = at(id), width = known(value) ? 100 * Math.min(value / most, 1) : 0;
  bar.firstElementChild.style.width = width + "%";
  bar.setAttribute("aria-label", bar.getAttribute("aria-label").split(":")[0] + ": " +
    (known(value) ? share(value) : "unknown"));
}

function scale(level) {
  const place = at("scale");
  while (place.children.length < 9) place.append(document.createElement("i"));
  [...place.children].forEach((step, index) => {
    step.className = known(level) && index < level
      ? "on" + (level >= 8 ? " eight" : level >= 7 ? " seven" : "") : "";
  });
  place.setAttribute("aria-label", "drowsiness, 1 to 9: " + (level ?? "unknown"));
}

function attention(now) {
  say("away", !known(now.away) ? "unknown" : now.away ? "off road" : "on road");
  say("gaze", gaze(now));
  say("zones", now.gaze_deg && !now.road_learned ? "the road ahead is still being learned" : "");
  if (!now.pose_deg) { say("head", "head not seen"); return; }
  const [yaw, pitch] = now.pose_deg.map(Math.round);
  const side = yaw > 0 ? "left" : "right", way = pitch >= 0 ? "up" : "down";
  say("head", `head ${Math.abs(yaw)}° ${side}, ${Math.abs(pitch)}° ${way}`);
}

const turn = (angle, plus, minus) => `${Math.round(Math.abs(angle))}° ${angle > 0 ? plus : minus}`;

function gaze(now) {
  const zone = now.gaze_zone && now.gaze_zone !== "unknown" ? "eyes: " + now.gaze_zone : "";
  if (!now.gaze_deg) return zone || "eyes' direction not read";
  const [yaw, pitch] = now.gaze_deg;
  return now.gaze_zone === "road" ? "eyes: road"
    : `${zone}, ${turn(yaw, "left", "right")}, ${turn(pitch, "up", "down")}`;
}

function mood(now) {
  const scores = Object.entries(now.expression || {}).sort((a, b) => b[1] - a[1]);
  say("mood", scores.length ? scores[0][0] : "–");
  const valence = now.valence;
  say("valence", !known(valence) ? "valence not read"
    : `valence ${valence > 0 ? "+" : ""}${valence.toFixed(2)}, ${valence > 0.2 ? "pleasant"
      : valence < -0.2 ? "unpleasant" : "neutral"}`);
  say("against", against(now));
  for (const [name, value] of Object.entries(now.expression || {}))
    score(at("score-" + name) || line(name), value);
  if (!now.expression) [...at("expression").children].forEach((row) => score(row, null));
}

/** Against what the scores were read; null where the head is turned or no face is seen. */
function against(now) {
  if (now.emotion_by === "rest") return "against own resting face";
  const learned = known(now.rest_progress) ? `; resting face ${share(now.rest_progress)} learned` : "";
  return (now.emotion_by || "not read now") + learned;
}

function score(row, value) {
  row.children[1].firstElementChild.style.width = 100 * (value || 0) + "%";
  row.children[2].textContent = share(value);
}

function line(name) {
  const row = document.createElement("li");
  row.id = "score-" + name;
  row.append(cell("span", name), cell("div", "", "gauge"), cell("span", ""));
  row.children[1].append(document.createElement("i"));
  at("expression").append(row);
  return row;
}

function cell(tag, text, kind) {
  const made = document.createElement(tag);
  made.textContent = text;
  if (kind) made.className = kind;
  return made;
}

function health(now) {
  const parts = Object.entries(now.health || {});
  const list = at("health");
  const named = JSON.stringify(parts);
  if (list.dataset.told !== named) {
    list.dataset.told = named;
    list.replaceChildren(...parts.map(([part, why]) => {
      const row = cell("li", "", why ? "wrong" : "");
      row.append(cell("b", PARTS[part] || part), cell("span", why || "well"));
      return row;
    }));
  }
  const flow = [`${now.fps} frames/s`, `${now.drops} dropped`];
  if (known(now.brightness)) flow.push(`brightness ${Math.round(now.brightness)} of 255`);
  if (now.face) flow.push(`face ${now.face[2]} px wide`);
  if (known(now.speed_kmh)) flow.push(`${Math.round(now.speed_kmh)} km/h`);
  if (now.gear) flow.push(now.gear);
  say("flow", flow.join(" · "));
}

function note(alert, now) {
  const name = alert.kind + alert.level + alert.since_s;
  if (told.has(name)) return;
  told.add(name);
  const row = document.createElement("li");
  row.append(cell("time", clock(now.t_s)), cell("span", NAMES[alert.level], "pill l" + alert.level),
    cell("span", `${words(alert.kind)}: ${alert.reason}`));
  at("told").prepend(row);
  while (at("told").children.length > 50) at("told").lastChild.remove();
}

function clock(t_s) {
  if (t_s < 600) return t_s.toFixed(1) + " s";
  const two = (value) => String(Math.floor(value)).padStart(2, "0");
  return `${Math.floor(t_s / 3600)}:${two((t_s / 60) % 60)}:${two(t_s % 60)}`;
}

/** The stretches of the last minute in which an alert stood: [level, from, to]. */
function bands() {
  const made = [];
  for (const one of past) {
    const last = made[made.length - 1];
    if (last) last[2] = one.t_s;
    if (!last || last[0] !== one.level) made.push([one.level, one.t_s, one.t_s]);
  }
  return made.filter(([level]) => level);
}

/** One chart of the last minute. `lines`: [colour, value of an instant]; values run low to high. */
function chart(id, low, high, marks, lines) {
  const canvas = at(id), pen = canvas.getContext("2d"), ratio = devicePixelRatio || 1;
  const width = canvas.clientWidth, height = canvas.clientHeight;
  if (canvas.width !== Math.round(width * ratio)) canvas.width = Math.round(width * ratio);
  if (canvas.height !== Math.round(height * ratio)) canvas.height = Math.round(height * ratio);
  pen.setTransform(ratio, 0, 0, ratio, 0, 0);
  pen.clearRect(0, 0, width, height);
  const style = getComputedStyle(document.documentElement);
  const colour = (name) => style.getPropertyValue("--" + name).trim();
  const left = 50, right = width - 8, top = 6, bottom = height - 20;
  const now_s = past.length ? past[past.length - 1].t_s : 0;
  const x = (t_s) => right - ((right - left) * (now_s - t_s)) / SECONDS;
  const y = (value) => bottom - ((bottom - top) * (value - low)) / (high - low);
  for (const [level, from_s, to_s] of bands()) {
    pen.fillStyle = colour("band" + level);
    pen.fillRect(x(from_s), top, x(to_s) - x(from_s), bottom - top);
  }
  pen.font = "12px " + getComputedStyle(document.body).fontFamily;
  pen.fillStyle = colour("soft");
  pen.strokeStyle = colour("line");
  pen.lineWidth = 1;
  pen.textAlign = "right";
  pen.textBaseline = "middle";
  for (const [value, text] of marks) {
    pen.fillText(text, left - 6, y(value));
    pen.beginPath(); pen.moveTo(left, y(value)); pen.lineTo(right, y(value)); pen.stroke();
  }
  pen.textBaseline = "alphabetic";
  for (let ago = 0; ago <= SECONDS; ago += 15) {
    pen.textAlign = ago ? "center" : "right";
    pen.fillText(ago ? `-${ago} s` : "now", x(now_s - ago) + (ago === SECONDS ? 14 : 0), height - 4);
  }
  for (const [name, value] of lines) trace(pen, colour(name), value, x, y);
}

function trace(pen, colour, value, x, y) {
  pen.strokeStyle = colour;
  pen.lineWidth = 2.5;
  pen.lineJoin = "round";
  pen.beginPath();
  let down = false;
  for (const one of past) {
    const seen = value(one);
    if (!known(seen)) { down = false; continue; }
    if (down) pen.lineTo(x(one.t_s), y(seen)); else pen.moveTo(x(one.t_s), y(seen));
    down = true;
  }
  pen.stroke();
}

const limited = (value, most) => Math.max(-most, Math.min(most, value));
let drawn = null;
function draw() {
  requestAnimationFrame(draw);
  const state = [past.length && past[past.length - 1].t_s, innerWidth, devicePixelRatio,
    matchMedia("(prefers-color-scheme: dark)").matches].join();
  if (document.hidden || drawn === state) return;
  drawn = state;
  chart("chart-eyes", 0, 1, [[0, "0 %"], [0.5, "50 %"], [1, "100 %"]],
    [["b", (one) => one.perclos], ["a", (one) => one.openness]]);
  const pose = (index) => (one) => (one.pose_deg ? limited(one.pose_deg[index], 60) : null);
  chart("chart-head", -60, 60, [[-30, "-30°"], [0, "0°"], [30, "+30°"]], [["b", pose(1)], ["a", pose(0)]]);
  const look = (index) => (one) => (one.gaze_deg ? limited(one.gaze_deg[index], 45) : null);
  chart("chart-gaze", -45, 45, [[-30, "-30°"], [0, "0°"], [30, "+30°"]], [["b", look(1)], ["a", look(0)]]);
  chart("chart-affect", -1, 1, [[-1, "-1"], [0, "0"], [1, "+1"]],
    [["b", (one) => one.rage], ["c", (one) => one.valence]]);
}

const stream = new EventSource("stream");
stream.onmessage = (event) => show(JSON.parse(event.data));
stream.onerror = () => {
  show({ connected: false, why: "the page's server does not answer; trying again" });
};
draw();
