// The dialog that asks before something is ended, and stays until that is done.
const byId = (id) => document.getElementById(id);
const [dialog, no, yes, status] = ["confirm", "confirm-no", "confirm-yes", "confirm-status"].map(byId);

/**
 * Asks the owner and, if the answer is yes, does `work`. Returns whether it was; throws what `work` throws.
 * Closing it gives the focus back to the button that opened it, if that is still there.
 */
export async function confirm({ title, text, action, progress, isGrave = true }, work) {
  byId("confirm-title").textContent = title;
  byId("confirm-text").textContent = text;
  yes.textContent = action;
  yes.classList.toggle("danger", isGrave);
  busy("");
  dialog.showModal();
  if (!(await answer())) return false;

  busy(progress);
  try {
    await work();
  } finally {
    dialog.close();
  }
  return true;
}

function answer() {
  return new Promise((resolve) => {
    yes.onclick = () => resolve(true);
    no.onclick = () => dialog.close();
    dialog.onclose = () => resolve(false);
  });
}

/** Says what is being done. The buttons are not `disabled`: that would take the focus out of the dialog. */
function busy(progress) {
  status.textContent = progress;
  for (const button of [no, yes]) {
    button.setAttribute("aria-disabled", progress !== "");
    button.onclick = null;
  }
}
// What has begun cannot be taken back: Escape waits like the buttons.
dialog.addEventListener("cancel", (event) => status.textContent && event.preventDefault());
