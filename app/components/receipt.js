// Prints the page, or saves the receipts, if there are any, as a file that proves what
// was stored.
export default function ({ data, parentElement }) {
  parentElement.querySelector("[data-do=print]").onclick = () => window.print();
  const save = parentElement.querySelector("[data-do=save]");
  if (save) save.onclick = () => {
    const text = JSON.stringify(data.content, null, 1);
    const link = document.createElement("a");
    link.href = URL.createObjectURL(new Blob([text], { type: "application/json" }));
    link.download = data.name;
    link.click();
    setTimeout(() => URL.revokeObjectURL(link.href), 1000);
  };
}
