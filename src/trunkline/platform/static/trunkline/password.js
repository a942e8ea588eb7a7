// Lets people look at the password that they type, and says how good a new one is. It is nowhere sent and nowhere kept.
"use strict";

(() => {
  const words = document.currentScript.dataset;

  // How many guesses it may stand, roughly: by its length, and by how little of it repeats. The server has the last word.
  const strength = (text) => {
    const distinct = new Set(text.toLowerCase()).size;
    if (text.length < 12 || distinct < 5) return 1;
    return text.length >= 20 && distinct >= 10 ? 4 : text.length >= 15 && distinct >= 8 ? 3 : 2;
  };

  const addEye = (input) => {
    const eye = document.createElement("button");
    eye.type = "button";
    eye.className = "button link eye";
    const turn = (shown) => {
      input.type = shown ? "text" : "password";
      eye.textContent = shown ? words.hide : words.show;
      eye.setAttribute("aria-pressed", String(shown));
    };
    eye.addEventListener("click", () => turn(input.type === "password"));
    input.form?.addEventListener("submit", () => turn(false));
    turn(false);
    input.after(eye);
    return eye;
  };

  const addMeter = (input, after) => {
    const names = [words.weak, words.weak, words.fair, words.good, words.strong];
    const meter = document.createElement("meter");
    const said = document.createElement("output");
    meter.max = 4;
    meter.low = 2;
    meter.high = 3;
    meter.optimum = 4;
    meter.setAttribute("aria-label", words.meter);
    const measure = () => {
      const found = input.value ? strength(input.value) : 0;
      meter.value = found;
      said.textContent = input.value ? names[found] : "";
    };
    input.addEventListener("input", measure);
    measure();
    after.after(meter, said);
  };

  document.addEventListener("DOMContentLoaded", () => {
    for (const input of document.querySelectorAll('input[type="password"]')) {
      const eye = addEye(input);
      if (input.autocomplete === "new-password" && !/2$/.test(input.name)) addMeter(input, eye);
    }
  });
})();
