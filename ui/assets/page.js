// A citation's number opens its source and moves the focus there; Escape goes back to the number.
() => {
  let opener = null;
  document.addEventListener("click", (event) => {
    const cite = event.target.closest(".isnad-cite");
    if (!cite) return;
    const sources = [...cite.closest(".isnad-answer").querySelectorAll(".isnad-source")];
    const source = sources.find((each) => each.querySelector(".isnad-number").textContent === cite.textContent);
    if (!source) return;
    opener = cite;
    source.open = true;
    const summary = source.querySelector("summary");
    summary.focus({ preventScroll: true });
    source.scrollIntoView({ block: "nearest" });
  });
  document.addEventListener("keydown", (event) => {
    if (event.key === "Escape" && opener && event.target.closest(".isnad-source")) opener.focus();
  });
}
