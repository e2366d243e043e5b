// What a component does when it leaves the page. Streamlit runs this also for a call that
// the next one overtook while the script was still loading, and may do so after that next
// call has begun: by then it must end nothing.
function atEnd(parentElement, end) {
  const call = Symbol("call");
  parentElement.lastCall = call;
  return () => {
    if (parentElement.lastCall === call) end();
  };
}
