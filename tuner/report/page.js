"use strict";
const tip = document.getElementById("tip");
function show(event) {
  const mark = event.target.closest("[data-tip]");
  if (!mark) { tip.style.display = "none"; return; }
  tip.textContent = mark.dataset.tip;
  tip.style.display = "block";
  const box = tip.getBoundingClientRect();
  const left = Math.min(Math.max(8, event.clientX + 14), window.innerWidth - box.width - 8);
  const above = event.clientY - box.height - 12;
  tip.style.left = left + "px";
  tip.style.top = (above > 4 ? above : event.clientY + 18) + "px";
}
document.addEventListener("pointermove", show);
document.addEventListener("pointerdown", show);
function toggle(key) {
  const svg = key.closest("svg");
  const off = key.classList.toggle("off");
  key.setAttribute("aria-pressed", String(!off));
  svg.querySelector(`.series[data-series="${key.dataset.for}"]`).classList.toggle("off", off);
}
document.addEventListener("click", (event) => {
  const key = event.target.closest(".key");
  if (key) toggle(key);
});
document.addEventListener("keydown", (event) => {
  const key = event.target.closest(".key");
  if (key && (event.key === "Enter" || event.key === " ")) { event.preventDefault(); toggle(key); }
});
const root = document.documentElement;
document.getElementById("theme").addEventListener("click", () => {
  const dark = root.dataset.theme ? root.dataset.theme === "dark" : matchMedia("(prefers-color-scheme: dark)").matches;
  root.dataset.theme = dark ? "light" : "dark";
});
