"use strict";
(() => {
  const form = document.querySelector(".filters");
  if (!form) return;
  const cases = [...document.querySelectorAll(".case")];
  const said = form.querySelector("output");
  const passes = (element) =>
    [...form.elements].every((field) => {
      if (!field.name || !field.value) return true;
      if (field.name === "text") return element.textContent.toLowerCase().includes(field.value.toLowerCase());
      return (element.dataset[field.name] || "").split(" ").includes(field.value);
    });
  const filter = () => {
    let shown = 0;
    for (const element of cases) {
      element.hidden = !passes(element);
      shown += !element.hidden;
    }
    said.textContent = `${shown} of ${cases.length} shown`;
  };
  form.hidden = false;
  form.addEventListener("input", filter);
  form.addEventListener("submit", (event) => event.preventDefault());
  filter();
})();
