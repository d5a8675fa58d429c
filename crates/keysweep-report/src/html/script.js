"use strict";
(() => {
  const form = document.getElementById("filter");
  const words = document.getElementById("words");
  const least = document.getElementById("least");
  const shown = document.getElementById("shown");
  const items = [...document.querySelectorAll(".item")].map((item) => [item, item.textContent.toLowerCase()]);
  const apply = () => {
    const wanted = words.value.toLowerCase().split(/\s+/).filter(Boolean);
    let count = 0;
    for (const [item, text] of items) {
      const fits = Number(item.dataset.rank) >= Number(least.value) && wanted.every((word) => text.includes(word));
      item.hidden = !fits;
      count += fits;
    }
    shown.value = `${count} of ${items.length}`;
  };
  form.addEventListener("submit", (event) => event.preventDefault());
  form.addEventListener("input", apply);
  addEventListener("beforeprint", () => document.querySelectorAll("details").forEach((details) => (details.open = true)));
  form.hidden = false;
  apply();
})();
