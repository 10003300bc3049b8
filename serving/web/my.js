// The grower's page: every report is kept on the phone first and sent when there is a network; sent twice it counts once.
"use strict";
const root = document.getElementById("my");
const words = root.dataset;
const author = document.getElementById("author");
const MOST_PHOTO_BYTES = 60 * 1024;
const SHOWN = 20;
const RETRY_MS = 5000;

author.value ||= localStorage.getItem("anxu-author") || "";
author.addEventListener("change", () => localStorage.setItem("anxu-author", author.value.trim()));

const opened = new Promise((resolve, reject) => {
  const asked = indexedDB.open("anxu-my", 1);
  asked.onupgradeneeded = () => asked.result.createObjectStore("reports", { keyPath: "id" });
  asked.onsuccess = () => resolve(asked.result);
  asked.onerror = () => reject(asked.error);
});

async function onReports(mode, ask) {
  const database = await opened;
  return new Promise((resolve, reject) => {
    const work = database.transaction("reports", mode);
    const asked = ask(work.objectStore("reports"));
    work.oncomplete = () => resolve(asked.result);
    work.onerror = work.onabort = () => reject(work.error);
  });
}
const keep = (report) => onReports("readwrite", (reports) => reports.put(report));
const all = async () => (await onReports("readonly", (reports) => reports.getAll())).sort((a, b) => b.written - a.written);

// One report to the service: true when nothing of it remains to be sent.
async function send(report) {
  if (report.photo) {
    const kept = await fetch(`/v1/harvest/photos/${report.id}`, { method: "PUT", headers: { "Content-Type": "image/jpeg" }, body: report.photo });
    if (!kept.ok) return answered(report, kept);
    report.body.photo = report.id;
    report.photo = null;
    await keep(report);
  }
  const answer = await fetch("/v1/harvest/reports", {
    method: "POST",
    headers: { "Content-Type": "application/json", "Idempotency-Key": report.id },
    body: JSON.stringify(report.body),
  });
  return answered(report, answer);
}

async function answered(report, answer) {
  if (answer.ok) report.state = "sent";
  else if (answer.status === 401) return say("bad", words.login); // nothing is lost: it waits for the log-in
  else if (answer.status >= 500 || [408, 429].includes(answer.status)) return false;
  else {
    report.state = "refused";
    report.why = (await answer.json()).detail;
  }
  await keep(report);
  return true;
}

let sending = null;
let isReached = navigator.onLine; // whether the service answered last: a phone may be online and the service far
async function flush() {
  sending ||= sendAll().finally(() => { sending = null; });
  return sending;
}
async function sendAll() {
  const waiting = (await all()).filter((report) => report.state === "waiting").reverse();
  try {
    if (waiting.length) say("info", words.sending);
    else await fetch("/v1/health", { cache: "no-store" });
    isReached = true;
    for (const report of waiting) if (!(await send(report))) return;
  } catch (error) {
    if (!(error instanceof TypeError)) throw error; // fetch found no network: what is written waits
    isReached = false;
  }
  await show();
}

function say(tone, text) {
  const line = document.getElementById("sync");
  line.className = `sync ${tone}`;
  line.textContent = text;
  return false;
}

async function show() {
  const reports = await all();
  const waiting = reports.filter((report) => report.state === "waiting").length;
  const told = words.waiting.replace("#", waiting);
  if (!isReached) say("warn", waiting ? `${words.offline} · ${told}` : words.offline);
  else if (waiting) say("warn", told);
  else say("good", words.online);
  const list = document.getElementById("reports");
  list.replaceChildren(...reports.slice(0, SHOWN).map(line));
}

function line(report) {
  const item = document.createElement("li"), state = document.createElement("span"), text = document.createElement("span");
  const tones = { waiting: "warn", sent: "good", refused: "bad" };
  state.className = `pill ${tones[report.state]}`;
  state.textContent = { waiting: words.queued, sent: words.sent, refused: words.refused }[report.state];
  const { plot_id: plot, harvested_kg: kg, grade, answer, reason, done_on: day } = report.body;
  const weight = kg === undefined || kg === null ? words[answer] : `${+(kg / Number(words.kg)).toFixed(2)} ${words.unit}`;
  text.textContent = [day, plot, report.crop, weight, grade, reason, report.why].filter(Boolean).join(" · ");
  item.append(text, state);
  return item;
}

// A photo as a small JPEG: made smaller until it fits; null when it never does.
async function small(file) {
  const picture = await createImageBitmap(file);
  for (const [side, quality] of [[1000, 0.7], [800, 0.6], [640, 0.5], [480, 0.4]]) {
    const scale = Math.min(1, side / Math.max(picture.width, picture.height));
    const canvas = document.createElement("canvas");
    canvas.width = Math.round(picture.width * scale);
    canvas.height = Math.round(picture.height * scale);
    canvas.getContext("2d").drawImage(picture, 0, 0, canvas.width, canvas.height);
    const jpeg = await new Promise((resolve) => canvas.toBlob(resolve, "image/jpeg", quality));
    if (jpeg && jpeg.size <= MOST_PHOTO_BYTES) return jpeg;
  }
  return null;
}

async function written(task, answer, form) {
  const told = task.querySelector(".told");
  if (!author.value.trim()) {
    told.textContent = words.noname;
    author.focus();
    return;
  }
  const body = { ...JSON.parse(task.dataset.carried), answer, done_on: today(), author: author.value.trim() };
  if (answer === "cannot") body.reason = form.reason.value;
  else if (body.task === "harvest") {
    body.harvested_kg = Number(form.weight.value) * Number(words.kg);
    if (form.grade.value) body.grade = form.grade.value;
  }
  const file = form.photo.files[0];
  const photo = file ? await small(file) : null;
  const crop = task.querySelector("summary span").textContent;
  await keep({ id: crypto.randomUUID ? crypto.randomUUID() : uuid(), body, photo, crop, state: "waiting", written: Date.now() });
  task.classList.add("answered");
  told.textContent = file && !photo ? `${words.queued} · ${words.dropped}` : words.queued;
  form.reset();
  shown(form);
  task.open = false;
  await flush();
  told.textContent = isReached ? words.sent : told.textContent;
}

// randomUUID is there on secure pages only; a phone in the village may reach the service by plain http.
function uuid() {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  bytes[6] = (bytes[6] & 15) | 64;
  bytes[8] = (bytes[8] & 63) | 128;
  const hex = [...bytes].map((b) => b.toString(16).padStart(2, "0")).join("");
  return [hex.slice(0, 8), hex.slice(8, 12), hex.slice(12, 16), hex.slice(16, 20), hex.slice(20)].join("-");
}

// What was picked for a photo is told on its button.
function shown(form) {
  const button = form.querySelector(".shot"), file = form.photo.files[0];
  button.dataset.word ||= button.textContent;
  button.textContent = file ? `✓ ${file.name}` : button.dataset.word;
}

function today() {
  const now = new Date();
  return new Date(now.getTime() - now.getTimezoneOffset() * 60000).toISOString().slice(0, 10);
}

for (const task of document.querySelectorAll(".task")) {
  const form = task.querySelector("form.report"), why = task.querySelector(".reason");
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    if (form.weight && form.weight.value === "") return form.weight.focus();
    written(task, "done", form);
  });
  task.querySelector(".cannot").addEventListener("click", () => { why.hidden = false; form.reason.focus(); });
  form.photo.addEventListener("change", () => shown(form));
  form.reason.addEventListener("change", () => { if (form.reason.value) written(task, "cannot", form); });
}
addEventListener("online", flush);
addEventListener("offline", flush);
setInterval(async () => { if (!isReached || (await all()).some((report) => report.state === "waiting")) flush(); }, RETRY_MS);
if ("serviceWorker" in navigator) navigator.serviceWorker.register("/my/worker.js", { scope: "/my" });
flush();
