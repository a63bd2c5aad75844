// The reader beside the chat, and the quote that a number shows while it is pointed at.
(() => {
  const isnad = window.isnad;
  const { $ } = isnad;
  const panel = () => $("#isnad-reader");
  let opener = null;

  isnad.closeReader = () => {
    if (!panel()?.classList.contains("isnad-opened")) return false;
    panel().classList.remove("isnad-opened");
    (opener?.isConnected ? opener : $("#isnad-question textarea"))?.focus();
    return true;
  };

  // The article with the passage that the button names; where the server has it no more, the passage as it was quoted.
  isnad.openReader = async (button) => {
    opener = button;
    isnad.hideTip();
    const uses = [...(button.closest(".isnad-answer")?.querySelectorAll(".isnad-use") ?? [])];
    const use = uses.find((each) => $(".isnad-cite", each).value === button.value);
    let found = "";
    try { found = await isnad.read([button.value, isnad.language]); } catch { /* the server may be gone */ }
    const body = $(".isnad-reader-body", panel());
    body.innerHTML = found || `<p class="isnad-hint">${isnad.text("reader_gone")}</p>`;
    if (!found && use) body.append($(".isnad-passage", use).cloneNode(true));
    panel().classList.add("isnad-opened");
    const mark = $("mark", body) ?? $(".isnad-around", body);
    for (const translation of use?.querySelectorAll(".isnad-translation") ?? []) {
      (mark?.closest("p") ?? body.lastElementChild).after(translation.cloneNode(true));
    }
    ($(".isnad-reader-title", body) ?? body).focus({ preventScroll: true });
    // Only the reader is scrolled; the page stays where it is.
    const still = matchMedia("(prefers-reduced-motion: reduce)").matches;
    const offset = mark ? mark.getBoundingClientRect().top - body.getBoundingClientRect().top - body.clientHeight / 3 : 0;
    body.scrollTo({ top: mark ? body.scrollTop + offset : 0, behavior: still || !mark ? "auto" : "smooth" });
  };

  // A tip stands above or below its number, within the window; it can be pointed at, and Escape takes it away.
  let shown = null;
  let leaving = 0;
  isnad.hideTip = () => {
    clearTimeout(leaving);
    if (!shown) return false;
    shown.classList.remove("isnad-shown");
    shown = null;
    return true;
  };
  const showTip = (number) => {
    const tip = $(".isnad-tip", number.parentElement);
    clearTimeout(leaving);
    if (!tip || tip === shown) return;
    isnad.hideTip();
    shown = tip;
    tip.id ||= `isnad-tip-${Math.random().toString(36).slice(2)}`;
    number.setAttribute("aria-describedby", tip.id);
    tip.classList.add("isnad-shown");
    const [at, size, edge] = [number.getBoundingClientRect(), tip.getBoundingClientRect(), 8];
    const left = at.left + at.width / 2 - size.width / 2;
    const above = at.top - size.height - edge;
    tip.style.left = `${Math.max(edge, Math.min(left, innerWidth - size.width - edge))}px`;
    tip.style.top = `${above > edge ? above : at.bottom + edge}px`;
  };
  const numberOf = (target) => {
    const cited = target.closest?.(".isnad-cited");
    return cited && $(".isnad-cite", cited);
  };
  document.addEventListener("pointerover", (event) => {
    const number = event.pointerType === "touch" ? null : numberOf(event.target);
    if (number) showTip(number);
  });
  document.addEventListener("pointerout", (event) => {
    if (!numberOf(event.target)) return;
    clearTimeout(leaving);
    leaving = setTimeout(isnad.hideTip, 250);
  });
  document.addEventListener("focusin", (event) => {
    const number = event.target.matches(":focus-visible") ? numberOf(event.target) : null;
    if (number) showTip(number); else isnad.hideTip();
  });
  document.addEventListener("scroll", isnad.hideTip, { capture: true, passive: true });
})();
