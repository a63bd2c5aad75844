// A citation's number opens its source and moves the focus there; Escape goes back to the number.
() => {
  let opener = null;
  document.addEventListener("click", (event) => {
    const cite = event.target.closest(".isnad-cite");
    if (!cite) return;
    const answer = cite.closest(".isnad-answer");
    const source = answer && answer.querySelector(`[id$="${CSS.escape(cite.dataset.source)}"]`);
    if (!source) return;
    opener = cite;
    source.open = true;
    source.querySelector("summary").focus({ preventScroll: true });
    source.scrollIntoView({ block: "nearest" });
  });
  document.addEventListener("keydown", (event) => {
    if (event.key === "Escape" && opener && event.target.closest(".isnad-source")) opener.focus();
  });
}
