"use strict";
const SECONDS = 60;
const NAMES = ["none", "advisory", "warning", "critical"];
const past = [];
const told = new Set();
const at = (id) => document.getElementById(id);
const say = (id, text) => { if (at(id).textContent !== text) at(id).textContent = text; };
const share = (value) => (value === null || value === undefined ? "–" : Math.round(100 * value) + " %");

function show(now) {
  document.body.dataset.connected = now.connected ? "yes" : "no";
  say("link", now.connected ? "live" : "not connected: " + now.why);
  if (!now.connected) return;
  if (past.length && now.t_s < past[past.length - 1].t_s) { past.length = 0; told.clear(); }
  past.push(now);
  while (now.t_s - past[0].t_s > SECONDS) past.shift();
  document.body.dataset.level = now.level;
  say("alert", now.kind ? now.kind.replace("_", " ") : "no alert");
  const top = (now.active || [])[0];
  say("reason", top ? NAMES[top.level] + ": " + top.reason : "");
  say("eyes", now.eyes === "unknown" ? "not seen" : now.eyes);
  at("openness").value = now.openness ?? 0;
  say("perclos", share(now.perclos));
  at("perclos-bar").value = now.perclos ?? 0;
  say("drowsiness", now.drowsiness === null ? "–" : String(now.drowsiness));
  say("head", now.pose_deg ? `${Math.round(now.pose_deg[0])}° ${Math.round(now.pose_deg[1])}°` : "–");
  say("away", now.away === null ? "unknown" : now.away ? "away from the road" : "on the road");
  const moods = Object.entries(now.expression || {}).sort((a, b) => b[1] - a[1]);
  say("mood", moods.length ? moods[0][0] : "–");
  say("valence", now.valence === null || now.valence === undefined ? "valence –"
    : "valence " + now.valence.toFixed(2));
  bars(moods.length ? now.expression : {});
  say("learned", share(now.baseline_progress));
  at("learned-bar").value = now.baseline_progress ?? 0;
  say("health", now.status);
  say("time", now.t_s.toFixed(1) + " s, " + now.fps + " fps");
  for (const alert of now.active || []) {
    const name = alert.kind + alert.level + alert.since_s;
    if (told.has(name)) continue;
    told.add(name);
    const line = document.createElement("li");
    line.textContent = `${now.t_s.toFixed(1)} s: ${alert.kind.replace("_", " ")}, ` +
      `${NAMES[alert.level]}, ${alert.reason}`;
    at("told").prepend(line);
    while (at("told").children.length > 50) at("told").lastChild.remove();
  }
}

function bars(scores) {
  for (const [name, value] of Object.entries(scores)) {
    let row = at("score-" + name);
    if (!row) {
      row = document.createElement("div");
      row.id = "score-" + name;
      for (const tag of ["span", "meter", "span"]) row.append(document.createElement(tag));
      row.children[0].textContent = name;
      row.children[1].setAttribute("aria-label", name);
      at("expression").append(row);
    }
    row.children[1].value = value;
    row.children[2].textContent = share(value);
  }
}

function line(pen, value, colour, width, height, now_s) {
  pen.strokeStyle = colour;
  pen.lineWidth = 3;
  pen.beginPath();
  let pen_down = false;
  for (const one of past) {
    const y = value(one);
    if (y === null || y === undefined) { pen_down = false; continue; }
    const x = width * (1 - (now_s - one.t_s) / SECONDS);
    const place = height - 6 - y * (height - 12);
    if (pen_down) pen.lineTo(x, place); else pen.moveTo(x, place);
    pen_down = true;
  }
  pen.stroke();
}

function draw() {
  requestAnimationFrame(draw);
  if (!past.length || document.hidden) return;
  const canvas = at("lines"), pen = canvas.getContext("2d");
  const style = getComputedStyle(document.documentElement);
  const colour = (name) => style.getPropertyValue(name).trim();
  const now_s = past[past.length - 1].t_s;
  pen.clearRect(0, 0, canvas.width, canvas.height);
  pen.strokeStyle = colour("--line");
  pen.lineWidth = 1;
  for (let s = 0; s <= SECONDS; s += 10) {
    const x = canvas.width * s / SECONDS;
    pen.beginPath(); pen.moveTo(x, 0); pen.lineTo(x, canvas.height); pen.stroke();
  }
  line(pen, (one) => one.level / 3, colour("--c"), canvas.width, canvas.height, now_s);
  line(pen, (one) => one.perclos, colour("--b"), canvas.width, canvas.height, now_s);
  line(pen, (one) => one.openness, colour("--a"), canvas.width, canvas.height, now_s);
}

const stream = new EventSource("stream");
stream.onmessage = (event) => show(JSON.parse(event.data));
stream.onerror = () => {
  show({ connected: false, why: "the page's server does not answer; trying again" });
};
draw();
