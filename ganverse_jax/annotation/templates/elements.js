"use strict";
// What all pages that ask a person share.
const all = (selector) => [...document.querySelectorAll(selector)];
const byId = (id) => document.getElementById(id);

function problem(text) { byId("problem").textContent = text; byId("problem").hidden = !text; }

function showProgress(done, count) {
  byId("done").textContent = done; byId("all").textContent = count;
  const meter = all(".meter")[0];
  meter.setAttribute("aria-valuenow", done); meter.setAttribute("aria-valuemax", count);
  meter.firstElementChild.style.width = `${100 * done / count}%`;
}
